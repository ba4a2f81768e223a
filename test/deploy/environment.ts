/** What moto takes for its own account. */
export const ACCOUNT = "123456789012";
export const REGION = "us-east-1";
export const CREDENTIALS = { accessKeyId: "testing", secretAccessKey: "testing" };

/**
 * The environment of everything that is started here: nothing of the user's own AWS, neither credentials nor
 * configuration nor a proxy, so that no request can leave for a real account.
 */
export function isolatedEnvironment(home: string, endpoint?: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(AWS_|CDK_|INCUMBENT_|NODE_OPTIONS)|_proxy$/i.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    AWS_CONFIG_FILE: "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    // Without an emulator nothing answers: better than an answer from AWS.
    AWS_ENDPOINT_URL: endpoint ?? "http://127.0.0.1:9",
    CDK_DISABLE_CLI_TELEMETRY: "true",
    CI: "true",
    NODE_NO_WARNINGS: "1",
  };
}
