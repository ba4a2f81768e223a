import type { SeenRequest } from "../support/fault-proxy.js";

/** One right that a request on the wire needs: IAM's action, on the rows of one partition key. */
export interface Need {
  readonly action: string;
  /** Undefined: of any, which no condition confines. */
  readonly leadingKey: string | undefined;
}

interface Keyed {
  readonly TableName: string;
  readonly Key?: { readonly pk?: { readonly S: string } } | undefined;
  readonly Item?: { readonly pk?: { readonly S: string } };
  readonly KeyConditionExpression?: string;
  readonly ExpressionAttributeValues?: Record<string, { readonly S?: string }>;
}

/** IAM has no action for a transaction: each of its parts is authorized by itself. */
const PART_ACTIONS: Record<string, string> = {
  Put: "PutItem",
  Update: "UpdateItem",
  Delete: "DeleteItem",
  ConditionCheck: "ConditionCheckItem",
};

/** What a request needs on this table; what it does to other tables is their owners' matter. */
export function needsOf(
  { operation, body }: Pick<SeenRequest, "operation" | "body">,
  tableName: string,
): Need[] {
  if (operation === "TransactWriteItems") {
    const { TransactItems } = body as { readonly TransactItems: Record<string, Keyed>[] };
    return TransactItems.flatMap((item) =>
      Object.entries(item)
        .filter(([, part]) => part.TableName === tableName)
        .map(([kind, part]) => need(PART_ACTIONS[kind] ?? kind, part)),
    );
  }
  if (operation === "BatchGetItem") {
    const { RequestItems } = body as { readonly RequestItems: Record<string, { Keys: Keyed["Key"][] }> };
    const { Keys = [] } = RequestItems[tableName] ?? {};
    return Keys.map((Key) => need(operation, { TableName: tableName, Key }));
  }
  const request = body as Keyed;
  return request.TableName === tableName ? [need(operation, request)] : [];
}

function need(operation: string, request: Keyed): Need {
  const { Key, Item, KeyConditionExpression, ExpressionAttributeValues } = request;
  const queried = KeyConditionExpression && ExpressionAttributeValues?.[":pk"]?.S;
  const leadingKey = Key?.pk?.S ?? Item?.pk?.S ?? queried;
  if (leadingKey === undefined && operation !== "Scan")
    throw new Error(`${operation} names no partition key: nothing could confine it`);
  return { action: `dynamodb:${operation}`, leadingKey };
}
