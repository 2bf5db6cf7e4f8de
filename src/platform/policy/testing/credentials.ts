import type { Credentials } from '../../auth/credentials.ts';

/** A caller for tests: a member of project `p1`, unless said otherwise. */
export function credentialsOf(changes: Partial<Credentials> = {}): Credentials {
  return {
    userId: 'u1',
    userName: 'ann',
    userDomainId: 'default',
    userDomainName: 'Default',
    projectId: 'p1',
    projectName: 'one',
    projectDomainId: 'default',
    projectDomainName: 'Default',
    roles: ['member', 'reader'],
    isAdminProject: true,
    serviceRoles: [],
    methods: ['password'],
    auditIds: ['a1'],
    issuedAt: '2026-01-01T00:00:00.000000Z',
    expiresAt: '2026-01-01T01:00:00.000000Z',
    ...changes,
  };
}
