import { buildCatalog, type CatalogEntry, type CatalogRows } from '../model/catalog.ts';
import { toIsoTime } from '../model/timestamps.ts';
import type { ValidToken } from '../tokens/tokens.ts';

/** What `POST` and `GET /v3/auth/tokens` show. @param rows for the catalog; without them none is shown */
export function tokenView(token: ValidToken, rows?: CatalogRows): Record<string, unknown> {
  const { subject } = token;
  const { user, userDomain, project, projectDomain, domain, system, roles, bounds } = subject;
  const scoped = project !== undefined || domain !== undefined || system !== undefined;
  return {
    methods: token.methods,
    user: {
      domain: { id: userDomain.id, name: userDomain.name },
      id: user.id,
      name: user.name,
      password_expires_at: user.password_expires_at,
      ...bounds?.shownOfUser,
    },
    audit_ids: token.auditIds,
    expires_at: toIsoTime(token.expiresAt),
    issued_at: toIsoTime(token.issuedAt),
    ...(project && projectDomain
      ? {
          project: {
            domain: { id: projectDomain.id, name: projectDomain.name },
            id: project.id,
            name: project.name,
          },
          is_domain: project.is_domain,
        }
      : {}),
    ...(domain ? { domain: { id: domain.id, name: domain.name } } : {}),
    ...(system ? { system: { all: true } } : {}),
    ...(scoped ? { roles: roles.map(({ id, name }) => ({ id, name })) } : {}),
    ...(scoped && rows
      ? { catalog: catalogFor({ userId: user.id, ...(project ? { projectId: project.id } : {}) }, rows) }
      : {}),
    ...bounds?.shown,
  };
}

/** The catalog as a token shows it. */
export function catalogFor(of: { userId: string; projectId?: string }, rows: CatalogRows): CatalogEntry[] {
  return buildCatalog(rows, { projectId: of.projectId ?? null, userId: of.userId });
}
