import fc from "fast-check";
import { expect, test } from "vitest";
import { onePage, pagesOf } from "../../src/store/row-pages.js";

test("pages hold all rows in their order, a hundred each, and the last one the rest", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 350 }), (rows) => {
      const pages = pagesOf(rows);
      expect(pages.flat()).toEqual(rows);
      expect(pages.slice(0, -1).every(({ length }) => length === 100)).toBe(true);
      expect(pages.every(({ length }) => length > 0 && length <= 100)).toBe(true);
    }),
  );
});

test("a page has each name once, and more than a hundred names are none", () => {
  const names = Array.from({ length: 100 }, (_, i) => `e/${i}`);
  expect(onePage([...names, ...names])).toEqual(names);
  expect(() => onePage([...names, "one more"])).toThrow("101 rows");
});
