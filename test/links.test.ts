import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

/** Each link and picture of the pages leads somewhere: in the repository, on npm and in `node_modules`. */

const isPage = (file: string) => file.endsWith(".md");
const pages = [
  ...readdirSync(".").filter(isPage),
  "src/protocol/README.md",
  ...readdirSync("docs")
    .filter(isPage)
    .map((file) => `docs/${file}`),
];

interface Link {
  readonly page: string;
  readonly to: string;
  /** Relative to the root. */
  readonly path: string;
  readonly anchor: string | undefined;
}

const textOf = (page: string) => readFileSync(page, "utf8").replaceAll(/^```.*?^```/gms, "");

function linksOf(page: string): Link[] {
  const found = [...textOf(page).matchAll(/\]\(([^)\s]+)[^)]*\)|(?:src|href)="([^"]+)"/g)];
  return found
    .map(([, link, attribute]) => link ?? attribute ?? "")
    .filter((to) => !/^https?:/.test(to))
    .map((to) => {
      const [file = "", anchor] = to.split("#");
      return {
        page,
        to,
        path: file === "" ? page : normalize(join(dirname(page), file)).replace(/\/$/, ""),
        anchor,
      };
    });
}

/** As GitHub and npm name the headings of a page. */
function anchorsOf(page: string): string[] {
  const headings = [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function packed(): string[] {
  const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    encoding: "utf8",
  });
  const [{ files }] = JSON.parse(output) as [{ files: Array<{ path: string }> }];
  return files.map(({ path }) => path);
}

const links = pages.flatMap(linksOf);
const told = ({ page, to }: Link) => `${page}: ${to}`;

test("each link and each picture of a page leads to a file of the repository", () => {
  expect(links.length).toBeGreaterThan(20);
  expect(links.map(({ path }) => path)).toContain("docs/timeline.svg");
  expect(links.filter(({ path }) => !existsSync(path)).map(told)).toEqual([]);
});

test("each of them leads to a file of the package, too", () => {
  const files = packed();
  expect(pages.filter((page) => !files.includes(page))).toEqual([]);
  // A link to a folder works if the package has a file in it.
  const has = (path: string) => files.some((file) => file === path || file.startsWith(`${path}/`));
  expect(links.filter(({ path }) => !has(path)).map(told)).toEqual([]);
});

test("the README leads to each page of docs/, itself or by a page that it leads to", () => {
  const reached = new Set(["README.md"]);
  // A set that grows while it is walked is walked to its end.
  for (const page of reached) {
    for (const { path } of pages.includes(page) ? linksOf(page) : []) reached.add(path);
  }
  expect(pages.filter((page) => !reached.has(page) && page !== "CHANGELOG.md")).toEqual([]);
});

test("each link to a heading names one that the page has", () => {
  const wrong = links.filter(({ path, anchor }) => anchor !== undefined && !anchorsOf(path).includes(anchor));
  expect(wrong.map(told)).toEqual([]);
});

test("a link to the repository itself is relative: only package.json has its address", () => {
  for (const page of pages) expect(textOf(page)).not.toMatch(/OWNER_NOT_SET|github\.com\/[\w-]+\/incumbent/);
});
