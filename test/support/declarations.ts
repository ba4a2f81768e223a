import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Reads what an entry of the package exports, and the docstrings there. It relies on Biome's format of our sources. */

/** The sources of the entries. */
export const ENTRIES = ["src/index.ts", "src/testing/index.ts", "src/lambda/index.ts", "lib/index.ts"];

export interface Documented {
  /** Such as `Election.lead`. */
  readonly name: string;
  readonly kind: "class" | "interface" | "type" | "function" | "const" | "method" | "accessor" | "option";
  /** The docstring without its stars. "": there is none. */
  readonly doc: string;
}

interface Source {
  readonly path: string;
  readonly text: string;
}

const DOC = String.raw`\/\*\*(?:(?!\*\/)[\s\S])*\*\/`;

/** Everything that `index` exports, with the members of classes and the optional members of types. */
export function documentedOf(index: string): Documented[] {
  const own = sourceAt(index);
  const exported = [...own.text.matchAll(/^export (type )?\{([^}]*)\} from "([^"]+)";/gm)];
  return exported.flatMap(([, allAreTypes, names = "", target = ""]) =>
    [...names.matchAll(/(type )?(\w+)/g)].flatMap(([, type, name = ""]) =>
      declarationOf(name, neighbour(own, target), (allAreTypes ?? type) !== undefined),
    ),
  );
}

function sourceAt(path: string): Source {
  return { path, text: readFileSync(path, "utf8") };
}

function neighbour({ path }: Source, target: string): Source {
  return sourceAt(join(dirname(path), target.replace(/\.js$/, ".ts")));
}

function declarationOf(name: string, source: Source, isType: boolean): Documented[] {
  const declaration = String.raw`^(?:export )?(?:abstract |async )?(class|interface|type|function|const) ${name}\b`;
  const found = new RegExp(String.raw`(?:^(${DOC})\n)?${declaration}`, "m").exec(source.text);
  if (!found) throw new Error(`${source.path} does not declare ${name}`);
  const [, doc, kind] = found as unknown as [string, string | undefined, Documented["kind"]];
  // Only classes have blank lines inside.
  const [body = ""] = source.text
    .slice(found.index + (doc?.length ?? 0))
    .trimStart()
    .split(kind === "class" ? "\n}\n" : "\n\n");
  const itself = { name, kind, doc: plain(doc) };
  if (kind === "function" || kind === "const") return [itself];
  // `ILeaseTable`: users call its methods. Those of other interfaces are for users to write, or are called by us.
  const isCalled = kind === "class" || (kind === "interface" && /^I[A-Z]/.test(name));
  const methods = isCalled ? methodsOf(name, body, source, isType) : [];
  const members = kind === "class" ? methods : [...methods, ...optionsOf(name, body)];
  return [itself, ...members, ...inheritedBy(name, body, source)];
}

function methodsOf(className: string, body: string, source: Source, isType: boolean): Documented[] {
  // Nobody but this library makes its errors, nor what is exported as a type only.
  const isMadeByUs = isType || / extends \w*Error\b/.test(body);
  const [, parents = ""] = / implements ([\w, ]+)/.exec(body) ?? [];
  const implemented = [...parents.matchAll(/\w+/g)].map(([parent]) => declaring(parent, source)?.text ?? "");
  const method = new RegExp(
    String.raw`(?:^ {2}(${DOC})\n)?^ {2}(?!private |protected )(?:(?:static|abstract|async) )*\*?(get )?(\[Symbol\.\w+\]|\w+)(?=[<(])`,
    "gm",
  );
  return [...body.matchAll(method)].flatMap(([, doc, getter, name = ""]) => {
    if (name === "constructor" && (isMadeByUs || doc?.includes("@internal"))) return [];
    // A method of an interface has its docstring there.
    if (implemented.some((text) => text.includes(`\n  ${name}(`))) return [];
    return [{ name: `${className}.${name}`, kind: getter ? "accessor" : "method", doc: plain(doc) } as const];
  });
}

function optionsOf(typeName: string, body: string): Documented[] {
  const option = new RegExp(String.raw`(?:^ +(${DOC})\n)?^ +(?:readonly )?(\w+)\?: (?!undefined;)`, "gm");
  return [...body.matchAll(option)].map(([, doc, name]) => ({
    name: `${typeName}.${name}`,
    kind: "option" as const,
    doc: plain(doc),
  }));
}

/** Types of ours that this one is made of, though the index may not name them. */
function inheritedBy(name: string, body: string, source: Source): Documented[] {
  const [header = ""] = body.split("{");
  const parents = new Set(header.match(/\b[A-Z]\w+/g));
  parents.delete(name);
  return [...parents].flatMap((parent) => {
    const from = declaring(parent, source);
    return from ? declarationOf(parent, from, true) : [];
  });
}

/** The source of ours that declares it: this one, or one that is imported. */
function declaring(name: string, source: Source): Source | undefined {
  const isHere = new RegExp(String.raw`^(?:export )?(?:abstract )?(?:class|interface|type) ${name}\b`, "m");
  if (isHere.test(source.text)) return source;
  const imported = new RegExp(String.raw`import (?:type )?\{[^}]*\b${name}\b[^}]*\} from "(\.[^"]+)"`);
  const target = imported.exec(source.text)?.[1];
  return target === undefined ? undefined : neighbour(source, target);
}

function plain(doc = ""): string {
  return doc
    .replace(/^\/\*\*|\*\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .trim();
}

/** What stands behind each `@tag`, up to the next tag. */
export function tagsOf(doc: string, tag: string): string[] {
  return doc
    .split(/(?:^|\s)(?=@[a-z]+\b)/)
    .filter((part) => part.startsWith(`@${tag}`))
    .map((part) => part.slice(tag.length + 1).trim());
}
