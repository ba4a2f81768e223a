/** A strongly consistent table can be in the Regions of one of these sets. */
const REGION_SETS: readonly (readonly string[])[] = [
  ["us-east-1", "us-east-2", "us-west-2"],
  ["eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"],
  ["ap-northeast-1", "ap-northeast-2", "ap-northeast-3"],
];

const KNOWN = new Set(REGION_SETS.flat());

export interface Regions {
  /** The Regions that hold a replica of the table. Candidates run there. */
  readonly regions: readonly string[];
  /** A Region that votes and holds no replica. */
  readonly witness?: string | undefined;
}

/** Why a table cannot be in these Regions, and what works. */
export interface Objection {
  readonly prop: "regions" | "witness" | "env.region";
  readonly rule: string;
  readonly received: unknown;
  readonly suggestion: unknown;
}

const WHY =
  "leases need strong consistency: on an eventually consistent global table each Region decides conditions by itself, " +
  "and two leaders can be elected at once";

/** DynamoDB's rules for multi-Region strong consistency. Undefined when they are kept. Pure. */
export function objectionTo({ regions, witness }: Regions, ownRegion: string): Objection | undefined {
  const all = witness === undefined ? [...regions] : [...regions, witness];
  const set = REGION_SETS.find((one) => one.includes(ownRegion));
  const three = (set ?? (REGION_SETS[1] as readonly string[])).filter((region) => region !== ownRegion);
  const suggestion = [ownRegion, ...three.slice(0, 2)];

  if (!set) {
    const rule = `must be a Region with strongly consistent tables (${REGION_SETS.flat().join(", ")})`;
    return { prop: "env.region", rule, received: ownRegion, suggestion: "eu-west-1" };
  }
  if (!regions.includes(ownRegion)) {
    const rule = `must name the stack's own Region (${ownRegion}), which holds a replica too`;
    return { prop: "regions", rule, received: regions, suggestion };
  }
  if (new Set(all).size < all.length) {
    return { prop: "regions", rule: "must name each Region once", received: all, suggestion };
  }
  const outside = all.filter((region) => !set.includes(region));
  if (outside.length > 0) {
    // Only known Regions are named: any other text could be a secret.
    const named = outside.map((region) => (KNOWN.has(region) ? region : `number ${1 + all.indexOf(region)}`));
    const rule = `must be of one Region set (${set.join(", ")}), without ${named.join(", ")}`;
    return outside[0] === witness
      ? {
          prop: "witness",
          rule,
          received: witness,
          suggestion: set.find((region) => !regions.includes(region)),
        }
      : { prop: "regions", rule, received: regions, suggestion };
  }
  const needed = witness === undefined ? 3 : 2;
  if (regions.length !== needed) {
    const rule =
      witness === undefined
        ? `must be exactly three Regions, or two and a witness (${WHY}; a table in one Region takes no regions)`
        : `must be exactly two Regions where there is a witness (${WHY})`;
    return { prop: "regions", rule, received: regions, suggestion: suggestion.slice(0, needed) };
  }
  return undefined;
}
