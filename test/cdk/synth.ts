import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { afterAll } from "vitest";
import { InvalidPropError } from "../../lib/index.js";

/** What CDK writes. Without an `outdir` each app leaves a folder of its own in the temp directory. */
const folder = mkdtempSync(join(tmpdir(), "incumbent-cdk-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let apps = 0;

/** An app that bundles nothing: what is in the template is the matter here. */
export function newApp(context: Record<string, unknown> = {}): App {
  const outdir = join(folder, String(apps++));
  return new App({ outdir, context: { "aws:cdk:bundling-stacks": [], ...context } });
}

export function newStack(region?: string, id = "Test", account?: string): Stack {
  const env = { ...(region !== undefined && { region }), ...(account !== undefined && { account }) };
  return new Stack(newApp(), id, { env });
}

interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly [attribute: string]: unknown;
}

/** The resources of a type by their logical ids, without the hash that CDK appends. */
export function resources(stack: Stack, type?: string): Record<string, Resource> {
  const all: Record<string, Resource> = Template.fromStack(stack).toJSON().Resources ?? {};
  return Object.fromEntries(
    Object.entries(all)
      .filter(([, resource]) => type === undefined || resource.Type === type)
      .map(([id, resource]) => [withoutHash(id), resource]),
  );
}

/** The only resource of a type. */
export function only(stack: Stack, type: string): Resource {
  const found = Object.values(resources(stack, type));
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type}`);
  return found[0] as Resource;
}

export function withoutHash(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, "");
}

/** What the refusal says, without the construct's path. */
export function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof InvalidPropError) return error.message.replace(`${error.where}: `, "");
    throw error;
  }
  throw new Error("not refused");
}
