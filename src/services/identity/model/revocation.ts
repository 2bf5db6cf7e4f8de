/** What of a token can be revoked. Times are whole seconds since 1970: Fernet knows no finer ones. */
export interface RevocableToken {
  userId: string;
  /** whom it was given to, where that is somebody else */
  bearerId?: string;
  /** the domain of the user */
  userDomainId: string;
  projectId?: string;
  /** of the project, or the domain itself that the token is for */
  scopeDomainId?: string;
  /** its own, not that of the chain */
  auditId: string;
  issuedAt: number;
}

/** Every property that is not null must fit, and the token must not be younger. */
export interface Revocation {
  user_id: string | null;
  project_id: string | null;
  domain_id: string | null;
  audit_id: string | null;
  issued_before: number;
}

/** The revocations that count now, found by what they are about. */
export class RevocationList {
  readonly #audit = new Map<string, number>();
  readonly #users = new Map<string, number>();
  readonly #projects = new Map<string, number>();
  readonly #domains = new Map<string, number>();

  constructor(revocations: Iterable<Revocation>) {
    for (const each of revocations) this.add(each);
  }

  add(revocation: Revocation): void {
    const { user_id, project_id, domain_id, audit_id, issued_before } = revocation;
    const raise = (map: Map<string, number>, key: string | null) => {
      if (key !== null) map.set(key, Math.max(issued_before, map.get(key) ?? 0));
    };
    raise(this.#audit, audit_id);
    raise(this.#users, user_id);
    raise(this.#projects, project_id);
    raise(this.#domains, domain_id);
  }

  /** Until when tokens like this one are revoked, by whom they are for; 0 if they are not. */
  revokedUntil(token: Omit<RevocableToken, 'auditId' | 'issuedAt'>): number {
    const { userId, bearerId, userDomainId, projectId, scopeDomainId } = token;
    return Math.max(
      this.#users.get(userId) ?? 0,
      bearerId === undefined ? 0 : (this.#users.get(bearerId) ?? 0),
      this.#domains.get(userDomainId) ?? 0,
      projectId === undefined ? 0 : (this.#projects.get(projectId) ?? 0),
      scopeDomainId === undefined ? 0 : (this.#domains.get(scopeDomainId) ?? 0),
    );
  }

  has(token: RevocableToken): boolean {
    if (this.#audit.has(token.auditId)) return true;
    return token.issuedAt <= this.revokedUntil(token);
  }
}
