import { Code } from "../describe.js";
import { InvalidOptionError } from "../errors.js";

/** For an option that needs signed requests, where the store can sign none. */
export function needsClient(option: string, received: unknown, why: string): InvalidOptionError {
  const rule = `needs a client, because ${why}`;
  return new InvalidOptionError(option, rule, received, new Code("client: new DynamoDBClient({})"));
}
