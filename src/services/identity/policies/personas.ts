/** Administrators of any scope, as upstream's present defaults have it. */
export const admin = 'rule:admin_required';
export const adminOrSystemReader = 'rule:admin_required or (role:reader and system_scope:all)';
/** For rules that any scope may satisfy. */
export const any = { scopes: ['system', 'domain', 'project'] } as const;
/** For rules about what belongs to no domain. */
export const notDomain = { scopes: ['system', 'project'] } as const;
