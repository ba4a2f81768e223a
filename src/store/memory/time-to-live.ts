/** Deletes the rows whose `ttl` has passed, as DynamoDB does some time later. `atMs`: since the epoch. */
export function removeExpired<K>(rows: Map<K, object>, atMs: number): void {
  for (const [key, row] of rows) {
    const { ttl } = row as { readonly ttl?: number };
    if (ttl !== undefined && ttl * 1_000 <= atMs) rows.delete(key);
  }
}
