import type { Credentials } from '../auth/credentials.ts';

type Value = string | boolean | undefined | readonly (string | undefined)[];

/** Reads one property of who asks; undefined is "has none" (`project_id` of a system-scoped token). */
export type ReadCredential = (credentials: Credentials) => Value;

/**
 * The names by which rules know the caller: those of `oslo.context`'s `to_policy_values`, networking's older ones,
 * and identity's `token.*` paths (`keystone/models/token_model.py`). `is_admin` is not among them: it is itself
 * the outcome of a rule.
 */
const readers: ReadonlyMap<string, ReadCredential> = new Map<string, ReadCredential>([
  ['user_id', (c) => c.userId],
  ['user', (c) => c.userId],
  ['user_name', (c) => c.userName],
  ['user_domain_id', (c) => c.userDomainId],
  ['user_domain_name', (c) => c.userDomainName],
  ['project_id', (c) => c.projectId],
  ['tenant_id', (c) => c.projectId],
  ['tenant', (c) => c.projectId],
  ['project_name', (c) => c.projectName],
  ['tenant_name', (c) => c.projectName],
  ['project_domain_id', (c) => c.projectDomainId],
  ['project_domain_name', (c) => c.projectDomainName],
  ['domain_id', (c) => c.domainId],
  ['domain_name', (c) => c.domainName],
  ['system_scope', (c) => c.system],
  ['system', (c) => c.system],
  ['roles', (c) => c.roles],
  ['service_roles', (c) => c.serviceRoles],
  ['is_admin_project', (c) => c.isAdminProject],
  ['trust_id', (c) => c.trustId],
  ['application_credential_id', (c) => c.applicationCredentialId],
  ['token.user.id', (c) => c.userId],
  ['token.user.name', (c) => c.userName],
  ['token.user.domain.id', (c) => c.userDomainId],
  ['token.user.domain.name', (c) => c.userDomainName],
  ['token.user_id', (c) => c.userId],
  ['token.user_domain.id', (c) => c.userDomainId],
  ['token.project.id', (c) => c.projectId],
  ['token.project.name', (c) => c.projectName],
  ['token.project.domain.id', (c) => c.projectDomainId],
  ['token.project.domain.name', (c) => c.projectDomainName],
  ['token.project_id', (c) => c.projectId],
  ['token.project_domain.id', (c) => c.projectDomainId],
  ['token.domain.id', (c) => c.domainId],
  ['token.domain.name', (c) => c.domainName],
  ['token.domain_id', (c) => c.domainId],
  ['token.system', (c) => c.system],
  ['token.roles', (c) => c.roles],
  ['token.roles.name', (c) => c.roles],
  ['token.is_admin_project', (c) => c.isAdminProject],
  ['token.methods', (c) => c.methods],
  ['token.audit_id', (c) => c.auditIds[0]],
  ['token.audit_ids', (c) => c.auditIds],
  ['token.issued_at', (c) => c.issuedAt],
  ['token.expires_at', (c) => c.expiresAt],
  ['token.trust_id', (c) => c.trustId],
  ['trustor_id', (c) => c.trustorUserId],
  ['trustee_id', (c) => c.trusteeUserId],
  ['token.trustor_id', (c) => c.trustorUserId],
  ['token.trustee_id', (c) => c.trusteeUserId],
]);

/** @returns undefined for a name that no caller ever has: such a check never matches */
export const credentialReader = (path: string): ReadCredential | undefined => readers.get(path);
