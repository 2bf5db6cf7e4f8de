/** Some roles and all that they imply, directly or not; cycles are allowed. */
export function withImplied(
  roleIds: readonly string[],
  implications: readonly { priorRoleId: string; impliedRoleId: string }[],
): string[] {
  const found = new Set<string>();
  const waiting = [...roleIds];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (found.has(id)) continue;
    found.add(id);
    for (const { priorRoleId, impliedRoleId } of implications) {
      if (priorRoleId === id) waiting.push(impliedRoleId);
    }
  }
  return [...found];
}
