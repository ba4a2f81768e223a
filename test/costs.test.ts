import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { dollars, PRICE, RENEWALS_A_MONTH, RUNS_A_MONTH } from "../bench/costs.js";

/** docs/costs.md and `npm run costs` have the same prices, and each price of the page follows from the units beside it. */

const page = readFileSync("docs/costs.md", "utf8");

/** The units and the price at the end of each row of a table. */
function rowsOf(
  heading: string,
): Array<{ writeUnits: number; readUnits: number; price: string | undefined }> {
  const [, section = ""] = page.split(`## ${heading}`);
  const rows = section.split("\n## ")[0]?.matchAll(/\| ([\d.]+) \| ([\d.]+) \| (\$[\d.]+) \|$/gm) ?? [];
  return [...rows].map(([, write, read, price]) => ({
    writeUnits: Number(write),
    readUnits: Number(read),
    price,
  }));
}

test.each([
  ["An election of workers", RENEWALS_A_MONTH],
  ["Single calls", RUNS_A_MONTH],
])("the prices under %s follow from their units", (heading, times) => {
  const rows = rowsOf(heading);
  expect(rows.length).toBeGreaterThan(5);
  expect(rows.map(({ price }) => price)).toEqual(rows.map((units) => dollars(units, times)));
});

test("the page has the prices of the script, their Region and their date", () => {
  for (const part of [`$${PRICE.write}`, `$${PRICE.read}`, PRICE.region, PRICE.since])
    expect(page).toContain(part);
  const [leader, follower] = rowsOf("An election of workers");
  const total = Number(leader?.price?.slice(1)) + 2 * Number(follower?.price?.slice(1));
  expect(page).toContain(`about $${total.toFixed(2)} a month`);
  expect(readFileSync("README.md", "utf8")).toContain(`about $${total.toFixed(2)} a month`);
});
