import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidOptionError } from "../../src/errors.js";
import { compareTicks, haveOtherForms, isNormalTick, normalTick } from "../../src/protocol/tick-form.js";

/** The normal form and the order of ticks (rule 10f). */

describe("the normal form", () => {
  test.each([
    ["2026-01-31T03:00:00Z", "2026-01-31T03:00:00.000Z"],
    ["2026-01-31T03:00Z", "2026-01-31T03:00:00.000Z"],
    ["2026-01-31T03:00:00.5Z", "2026-01-31T03:00:00.500Z"],
    ["2026-01-31T04:30:00+01:30", "2026-01-31T03:00:00.000Z"],
    ["2026-01-30T22:00:00-05:00", "2026-01-31T03:00:00.000Z"],
    [new Date("2026-01-31T03:00:00Z"), "2026-01-31T03:00:00.000Z"],
    [9, "9"],
    ["9", "9"],
    ["09", "9"],
    ["000", "0"],
    [-0, "0"],
    ["00000000000000000042", "42"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
  ])("%s is %s", (tick, normal) => {
    expect(normalTick(tick)).toBe(normal);
    expect(isNormalTick(normal)).toBe(true);
  });

  test.each([
    ["2026-01-31", "a day without a time"],
    ["2026-01-31T03:00:00", "a time without its zone"],
    ["2026-01-31 03:00:00", "the same with a blank"],
    ["2026-01-31Z", "a zone without a time"],
    ["20260131T030000", "a short form without its zone"],
    ["report 2026-01-31T03:00:00+0000", "words and a time"],
    ["123456789012345678901", "21 digits"],
    ["1.5", "a fraction"],
    ["tick-09", "text"],
    [" 9", "a blank"],
  ])("%j stays text: %s", (tick) => {
    expect(normalTick(tick)).toBe(tick);
  });

  test("is the same for each way to write one tick, and is its own normal form", () => {
    const ways = fc.oneof(
      fc.date({
        min: new Date("0001-01-01T00:00:00Z"),
        max: new Date("9998-12-31T00:00:00Z"),
        noInvalidDate: true,
      }),
      fc.nat(),
      fc.stringMatching(/^\d{1,20}$/),
      fc.string({ minLength: 1, maxLength: 100, unit: "grapheme" }).filter((text) => text.length <= 100),
    );
    fc.assert(
      fc.property(ways, (tick) => {
        let normal: string;
        try {
          normal = normalTick(tick);
        } catch {
          return;
        }
        expect(normalTick(normal)).toBe(normal);
        expect(isNormalTick(normal)).toBe(true);
        if (tick instanceof Date) expect(normalTick(tick.toISOString())).toBe(normal);
      }),
    );
  });
});

describe("what is no tick", () => {
  test.each([
    ["2026-01-31T03:00:00.0001Z", "digits that a Date would lose"],
    ["2026-02-30T03:00:00Z", "a day that does not exist, which a Date makes 2 March"],
    ["2026-13-01T03:00:00Z", "a month that does not exist"],
    ["2026-01-31T24:00:00Z", "an hour that does not exist"],
    ["9999-12-31T23:30:00-01:00", "a year of five digits"],
    ["2026-01-31T03:00:00.000000+00:00", "six digits of a fraction, as Python writes them"],
    ["2026-01-31T03:00:00,5Z", "a comma"],
    ["2026-01-31T03:00:00+0000", "a zone without a colon"],
    ["2026-01-31T04:00:00+01", "a zone of hours"],
    ["2026-01-31 03:00:00Z", "a blank"],
    ["2026-01-31 03:00:00 +0000", "two blanks"],
    ["2026-01-31 03:00:00 UTC", "a zone with a name"],
    ["2026-01-31T04:00:00+01:00[Europe/Berlin]", "a zone and its name"],
    ["2026-01-31t03:00:00Z", "a small t"],
    ["2026-01-31T03:00:00z", "a small z"],
    ["20260131T030000Z", "the short form"],
    ["2026-01-31T03Z", "an hour only"],
    ["+002026-01-31T03:00:00.000Z", "a year of six digits"],
  ])("%j, a time with its zone in another form, is refused: %s", (tick) => {
    expect(() => normalTick(tick)).toThrow(
      /if it is a date with a time and a zone: one instant in two forms/,
    );
    expect(() => normalTick(tick)).toThrow('Suggestion: "2026-01-31T03:00:00Z".');
  });

  test.each([
    ["", "an empty string"],
    ["x".repeat(101), "a string of 101 characters"],
    ["half \ud83d a pair", "a string of 13 characters"],
    [1.5, "the number 1.5"],
    [-1, "the number -1"],
    [2 ** 53, "the number 9007199254740992"],
    [Number.NaN, "the number NaN"],
    [new Date(Number.NaN), "an object of class Date"],
    [new Date("+012345-01-01T00:00:00Z"), "an object of class Date"],
    [7n, "a bigint"],
    [true, "the boolean true"],
    [null, "null"],
    [undefined, "undefined"],
    [["2026-01-31"], "an array of 1"],
    [{ tick: "2026-01-31" }, "a plain object"],
  ])("%s is refused", (tick, received) => {
    expect(() => normalTick(tick)).toThrow(InvalidOptionError);
    expect(() => normalTick(tick)).toThrow(`received ${received}. Suggestion: "2026-01-31T03:00:00Z".`);
  });

  test.each(["22/11/2027", "11/22/2027", "1/2/2027", "22.11.2027", "22-11-2027", "22/11/2027 03:00"])(
    "%s: the day or the month first never sorts",
    (tick) => {
      expect(() => normalTick(tick)).toThrow(
        "tick: must begin with the year if it is a date, because ticks must sort in order of time",
      );
      expect(() => normalTick(tick)).toThrow('Suggestion: "2027-11-22".');
    },
  );

  test("versions and codes that only look like dates are ticks", () => {
    for (const tick of ["1.2.3", "22-11-20271", "10.0.0.7", "22/11-2027"])
      expect(normalTick(tick)).toBe(tick);
  });
});

describe("the order", () => {
  test.each([
    ["9", "10"],
    ["99999999999999999998", "99999999999999999999"],
    ["2026-01-31T03:00:00.000Z", "2026-01-31T03:00:00.001Z"],
    ["2026-01-31", "2026-01-31T03:00:00.000Z"],
    ["tick-10", "tick-9"],
    ["99999999999999999999", "-"],
  ])("%s comes before %s", (a, b) => {
    expect(compareTicks(a, b)).toBeLessThan(0);
    expect(compareTicks(b, a)).toBeGreaterThan(0);
    expect(compareTicks(a, a)).toBe(0);
  });

  test("is total and has no circles, over all kinds", () => {
    const tick = fc
      .oneof(
        fc.nat().map(String),
        fc.stringMatching(/^[0-9a-c.-]{1,3}$/),
        fc.constantFrom("2026-01-31T03:00:00Z", "2026-01-31", "1769828400", "tick-9"),
      )
      .map((text) => normalTick(text));
    fc.assert(
      fc.property(tick, tick, tick, (a, b, c) => {
        expect(Math.sign(compareTicks(a, b))).toBe(-Math.sign(compareTicks(b, a)) + 0);
        expect(compareTicks(a, b) === 0).toBe(a === b);
        if (compareTicks(a, b) <= 0 && compareTicks(b, c) <= 0)
          expect(compareTicks(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test("a change of form: of the kind, or of the way a text is written", () => {
    const pairs: Array<[string, string, boolean]> = [
      ["tick-9", "tick-10", true],
      ["tick-09", "tick-10", false],
      ["2026-9-30", "2026-10-01", true],
      ["9", "10", false],
      ["2026-01-31T03:00:00.000Z", "1769828400", true],
      ["2026-01-31T03:00:00.000Z", "2026-02-01T03:00:00.000Z", false],
      ["a-2026", "b-2027", false],
    ];
    expect(pairs.map(([a, b]) => haveOtherForms(a, b))).toEqual(pairs.map(([, , other]) => other));
  });
});
