import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";

/** The address of the repository: one field of package.json, without which nothing is published. */

const folder = mkdtempSync(join(tmpdir(), "incumbent-publishing-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ours = JSON.parse(readFileSync("package.json", "utf8"));

/** Our package.json with this address, in a folder with nothing else. */
function packageAt(url: string): void {
  const manifest = { ...ours, repository: { ...ours.repository, url }, scripts: {} };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
}

function check(env: NodeJS.ProcessEnv = {}) {
  const [tsx, script] = [resolve("node_modules/.bin/tsx"), resolve("build/refuse-unset-repository.ts")];
  const { npm_config_dry_run: _, ...inherited } = process.env;
  const { status, stderr } = spawnSync(tsx, [script], {
    cwd: folder,
    encoding: "utf8",
    env: { ...inherited, ...env },
  });
  return { status, stderr };
}

test("npm publish is refused while the address of the repository is the placeholder", () => {
  expect(ours.scripts.prepublishOnly).toBe("tsx build/refuse-unset-repository.ts");
  packageAt("git+https://github.com/OWNER_NOT_SET/incumbent.git");
  const { status, stderr } = check();
  expect(status).toBe(1);
  expect(stderr).toContain("npm pkg set repository.url=git+https://github.com/<account>/<repository>.git");
  expect(check({ npm_config_dry_run: "true" }).status).toBe(0);
  packageAt("git+https://github.com/somebody/incumbent.git");
  expect(check()).toEqual({ status: 0, stderr: "" });
});

test("the release workflow pins each action by its commit, grants each job what it needs, and proves before it publishes", () => {
  const workflow = readFileSync(".github/workflows/release.yml", "utf8");
  const actions = [...workflow.matchAll(/uses: (\S+)/g)].map(([, action]) => action);
  expect(actions.length).toBeGreaterThan(0);
  for (const action of actions) expect(action).toMatch(/^actions\/[\w-]+@[0-9a-f]{40}$/);
  expect(workflow).toContain("\npermissions: {}\n");
  expect(workflow.match(/: write/g)).toHaveLength(2);
  expect(workflow).toMatch(/publish:\n {4}needs: prove\n/);
  expect(workflow).toContain("npm publish --provenance");
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const part of request.setEncoding("utf8")) body += part;
  return body;
}

test("from the address npm makes homepage and bugs: the registry gets all three", async () => {
  packageAt("git+https://github.com/somebody/incumbent.git");
  const published: string[] = [];
  const registry = createServer(async (request, response) => {
    if (request.method === "PUT") published.push(await bodyOf(request));
    response
      .writeHead(request.method === "PUT" ? 201 : 404, { "content-type": "application/json" })
      .end("{}");
  });
  registry.listen(0, "127.0.0.1");
  await once(registry, "listening");
  const host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
  try {
    const options = [
      "--ignore-scripts",
      "--provenance=false",
      `--registry=http://${host}/`,
      "--loglevel=warn",
    ];
    const { stderr } = await promisify(execFile)(
      "npm",
      ["publish", ...options, `--//${host}/:_authToken=none`],
      {
        cwd: folder,
      },
    );
    // Else npm publishes another package.json than ours.
    expect(stderr).not.toContain("auto-corrected");
  } finally {
    registry.close();
  }
  const [body = "{}"] = published;
  const { versions } = JSON.parse(body) as { versions: Record<string, unknown> };
  expect(versions[ours.version]).toMatchObject({
    repository: { type: "git", url: "git+https://github.com/somebody/incumbent.git" },
    homepage: "https://github.com/somebody/incumbent#readme",
    bugs: { url: "https://github.com/somebody/incumbent/issues" },
    bin: { incumbent: "dist/cli/main.js" },
  });
});
