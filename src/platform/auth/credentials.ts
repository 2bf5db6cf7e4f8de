/** Who asks, as a validated token says it. Plain data: it crosses the bus and is what policy rules see. */
export interface Credentials {
  userId: string;
  userName: string;
  userDomainId: string;
  userDomainName: string;
  /** Exactly one of project, domain and system is set, or none for an unscoped token. */
  projectId?: string;
  projectName?: string;
  projectDomainId?: string;
  projectDomainName?: string;
  domainId?: string;
  domainName?: string;
  system?: 'all';
  /** Names, implied roles included. */
  roles: readonly string[];
  isAdminProject: boolean;
  /** Names of roles in the `X-Service-Token`, when one came along. */
  serviceRoles: readonly string[];
  methods: readonly string[];
  auditIds: readonly string[];
  /** ISO 8601, UTC. */
  issuedAt: string;
  expiresAt: string;
  trustId?: string;
  trustorUserId?: string;
  trusteeUserId?: string;
  applicationCredentialId?: string;
  accessRules?: readonly { id?: string; service: string; method: string; path: string }[];
}
