/** What a token or a role assignment is good for. */
export type Scope =
  | { kind: 'project'; projectId: string }
  | { kind: 'domain'; domainId: string }
  | { kind: 'system' };

/** Equal for equal scopes; a key for maps. */
export function scopeKey(scope: Scope): string {
  if (scope.kind === 'project') return `project ${scope.projectId}`;
  return scope.kind === 'domain' ? `domain ${scope.domainId}` : 'system';
}
