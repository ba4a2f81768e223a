import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { after, calls, ticks, unitTests } from "./calls.js";
import { durations, more, names, where } from "./options.js";
import { partitions } from "./partitions.js";
import { programs } from "./programs.js";
import { type Section, saidBy } from "./section.js";
import { sessions } from "./sessions.js";
import { access, table } from "./table.js";
import { transactions } from "./transactions.js";

/**
 * What new users do wrong, and the whole message that each gets. The messages stand in docs/errors.md, so that users can
 * look them up, and people can read them from top to bottom. `npx vitest run test/mistakes -u` writes them there: read the
 * difference before you commit it.
 */
const SECTIONS: Section[] = [
  where,
  names,
  durations,
  more,
  calls,
  after,
  ticks,
  transactions,
  partitions,
  sessions,
  table,
  access,
  unitTests,
  ...programs,
];
const PAGE = "docs/errors.md";
/** What follows is written by this test. */
const MARK = "<!-- test/mistakes -->\n";

test("docs/errors.md has the message of each mistake, to the letter", async () => {
  const page = readFileSync(PAGE, "utf8");
  expect(page).toContain(MARK);
  const sections: string[] = [];
  for (const section of SECTIONS) sections.push(await writtenOf(section));
  const written = `${page.slice(0, page.indexOf(MARK))}${MARK}\n${sections.join("\n")}`;
  await expect(written).toMatchFileSnapshot(`../../${PAGE}`);
});

test("docs/errors.md has every code of an error, with its class", () => {
  const told = [...readFileSync(PAGE, "utf8").matchAll(/^- \*\*`([A-Z_]+)`\*\* \(`(\w+)`\)/gm)].map(
    ([, code, name]) => `${code} ${name}`,
  );
  const found = readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => [
      ...readFileSync(`src/${path}`, "utf8").matchAll(
        /^(?:export )?class (\w+Error) [\s\S]*?^ {2}readonly code = "(\w+)"/gm,
      ),
    ])
    .map(([, name, code]) => `${code} ${name}`);
  expect(told.sort()).toEqual(found.sort());
});

test("no mistake is dropped unnoticed", () => {
  expect(SECTIONS.flatMap(({ mistakes }) => Object.keys(mistakes)).length).toBeGreaterThan(255);
});

async function writtenOf({ title, mistakes }: Section): Promise<string> {
  const rows: string[] = [];
  for (const [what, mistake] of Object.entries(mistakes)) {
    const said = await saidBy(mistake);
    rows.push(`| ${what} | ${said.split("\n").map(asCode).join("<br>")} |\n`);
  }
  return `### ${title}\n\n| mistake | message |\n|---|---|\n${rows.join("")}`;
}

/** A message can contain marks of Markdown. */
function asCode(line: string): string {
  const fence = line.includes("`") ? "``" : "`";
  const space = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${fence}${space}${line.replaceAll("|", "\\|")}${space}${fence}`;
}
