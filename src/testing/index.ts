export { createLeaseTable } from "../store/dynamodb/create-table.js";
export { MemoryTable, type MemoryTableOptions } from "../store/memory/memory-table.js";
export { type DynamoDBLocal, startDynamoDBLocal } from "./dynamodb-local.js";
export { type DynamoDBLocalOptions, LocalTableUnavailableError } from "./local-server.js";
export { ManualClock } from "./manual-clock.js";
