import { createHash } from 'node:crypto';
import type { Credentials } from '../../../platform/auth/credentials.ts';
import { NotFound } from '../../../platform/errors/errors.ts';
import { type AuditIds, createAuditIds } from '../model/audit-ids.ts';
import { integerToMethods, methodsToInteger } from '../model/auth-methods.ts';
import type { RevocableToken } from '../model/revocation.ts';
import { type Micros, nowMicros, toIsoTime } from '../model/timestamps.ts';
import { isTokenAlive, tokenExpiry } from '../model/token-expiry.ts';
import { type Grounds, groundsOf, toPayload } from '../model/token-grounds.ts';
import type { TokenPayload } from '../model/token-payload.ts';
import type { Changes } from '../store/changes.ts';
import { Memory } from '../store/memory.ts';
import type { Revocations } from '../store/revocations.ts';
import type { TokenFormat } from './format.ts';
import type { Subject, Subjects } from './subjects.ts';

/** A token that is good now. */
export interface ValidToken {
  subject: Subject;
  methods: readonly string[];
  auditIds: AuditIds;
  issuedAt: Micros;
  expiresAt: Micros;
}

export interface TokenRequest extends Grounds {
  userId: string;
  methods: readonly string[];
  /** The token that was used to authenticate. */
  parent?: ValidToken;
}

export interface TokensOptions {
  format: TokenFormat;
  subjects: Subjects;
  revocations: Revocations;
  changes: Changes;
  /** Seconds. */
  expiration: number;
  /** The configured methods, in order: what the integer in a token means. */
  methods: readonly string[];
}

/** Issues and validates tokens. A token that was seen since the last write is validated from memory alone. */
export class Tokens {
  readonly #options: TokensOptions;
  readonly #known: Memory<ValidToken>;

  constructor(options: TokensOptions) {
    this.#options = options;
    this.#known = new Memory(options.changes);
  }

  /** @returns undefined where the user may not have such a token */
  async issue(request: TokenRequest): Promise<{ id: string; token: ValidToken } | undefined> {
    const { format, subjects, revocations, expiration, methods: known } = this.#options;
    const subject = await subjects.find(request.userId, request);
    if (!subject) return undefined;
    const { parent } = request;
    const end = tokenExpiry({
      now: nowMicros(),
      expiration,
      ...(parent ? { parentExpiresAt: parent.expiresAt } : {}),
      delegationExpiresAt: subject.bounds?.expiresAt ?? null,
    });
    const expiresAt = format.wholeSeconds ? Math.floor(end / 1e6) * 1e6 : end;
    const auditIds = createAuditIds(parent?.auditIds);
    // Read back as a validation would, so that both show the methods in one order.
    const methods = integerToMethods(methodsToInteger(request.methods, known), known);
    const common = { userId: request.userId, methods, expiresAt, auditIds };
    const payload = toPayload(common, request);
    const issuedAt = revocations.stamp((await revocations.list()).revokedUntil(revocable(subject)));
    const id = format.seal(payload, issuedAt);
    return { id, token: { subject, methods, auditIds, issuedAt: issuedAt * 1e6, expiresAt } };
  }

  /**
   * @param options.allowExpired a service that ends long work may still use a token for a while after its end
   * @returns undefined for what is not a good token now
   */
  async validate(id: string, options: { allowExpired?: boolean } = {}): Promise<ValidToken | undefined> {
    const key = createHash('sha256').update(id).digest('base64');
    let found: ValidToken | undefined;
    try {
      found = await this.#known.get(key, () => this.#read(id));
    } catch (error) {
      if (!(error instanceof NotFound)) throw error;
    }
    if (!found || !isTokenAlive(found.expiresAt, nowMicros(), options)) return undefined;
    return found;
  }

  async #read(id: string): Promise<ValidToken> {
    const { subjects, revocations } = this.#options;
    const { payload, grounds, createdAt } = this.#open(id);
    const subject = await subjects.find(payload.userId, grounds);
    if (!subject) throw new NotFound(invalid);
    const { methods, auditIds, expiresAt } = payload;
    if (
      (await revocations.list()).has({ ...revocable(subject), auditId: auditIds[0], issuedAt: createdAt })
    ) {
      throw new NotFound(invalid);
    }
    return { subject, methods, auditIds, expiresAt, issuedAt: createdAt * 1e6 };
  }

  #open(id: string): { payload: TokenPayload; grounds: Grounds; createdAt: number } {
    try {
      const { payload, createdAt } = this.#options.format.open(id);
      const grounds = groundsOf(payload);
      if (!grounds) throw new NotFound(invalid);
      return { payload, grounds, createdAt };
    } catch {
      throw new NotFound(invalid);
    }
  }
}

export const invalid = 'Failed to validate token';

function revocable(subject: Subject): Omit<RevocableToken, 'auditId' | 'issuedAt'> {
  const scopeDomainId = subject.projectDomain?.id ?? subject.domain?.id;
  return {
    userId: subject.user.id,
    ...(subject.bearer ? { bearerId: subject.bearer.id } : {}),
    userDomainId: subject.user.domain_id,
    ...(subject.project ? { projectId: subject.project.id } : {}),
    ...(scopeDomainId === undefined ? {} : { scopeDomainId }),
  };
}

/** What other services know of a token. */
export function toCredentials(token: ValidToken): Credentials {
  const { user, userDomain, project, projectDomain, domain, system, roles, bounds } = token.subject;
  return {
    userId: user.id,
    userName: user.name,
    userDomainId: userDomain.id,
    userDomainName: userDomain.name,
    ...(project && projectDomain
      ? {
          projectId: project.id,
          projectName: project.name,
          projectDomainId: projectDomain.id,
          projectDomainName: projectDomain.name,
        }
      : {}),
    ...(domain ? { domainId: domain.id, domainName: domain.name } : {}),
    ...(system ? { system } : {}),
    roles: roles.map((role) => role.name),
    isAdminProject: true,
    serviceRoles: [],
    methods: [...token.methods],
    auditIds: token.auditIds.filter((id) => id !== undefined),
    issuedAt: toIsoTime(token.issuedAt),
    expiresAt: toIsoTime(token.expiresAt),
    ...bounds?.credentials,
  };
}
