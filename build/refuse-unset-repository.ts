import { readFileSync } from "node:fs";

/**
 * npm runs this before it publishes. `repository.url` in package.json is the only place that names the repository: npm makes
 * `homepage` and `bugs` from it, and the package's page on npm resolves the relative links of the README with it. No
 * GitHub account can have the name in the placeholder, because it contains underscores.
 */
const { repository } = JSON.parse(readFileSync("package.json", "utf8")) as { repository: { url: string } };

if (repository.url.includes("OWNER_NOT_SET")) {
  const rule =
    "package.json: repository.url is still the placeholder, so the links of the npm page would lead nowhere.";
  const fix = "npm pkg set repository.url=git+https://github.com/<account>/<repository>.git";
  console.error(`${rule} Set it before you publish: ${fix}`);
  // A dry run publishes nothing, and CI makes one to check the rest.
  if (process.env.npm_config_dry_run !== "true") process.exitCode = 1;
}
