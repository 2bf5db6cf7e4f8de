import { ApiError, Forbidden, NotFound, Unauthorized } from '../../../platform/errors/errors.ts';
import { repository } from '../../../platform/store/repository.ts';
import type { Store } from '../../../platform/store/store.ts';
import { mapAssertion } from '../model/mapping/engine.ts';
import {
  type Assertion,
  AssertionRefused,
  type DomainReference,
  type MappedIdentity,
  type SchemaVersion,
} from '../model/mapping/mapping.ts';
import type { Changes } from '../store/changes.ts';
import type { Directory } from '../store/directory.ts';
import type { ExpiringMemberships } from '../store/expiring-memberships.ts';
import { shadowUser } from '../store/federated-users.ts';
import type { Revocations } from '../store/revocations.ts';
import type { IdentityTables } from '../store/schema.ts';
import {
  federationProtocols,
  type IdentityProviderRow,
  identityProviders,
  mappings,
  remoteIds,
} from '../store/tables/federation.ts';
import type { Proof } from '../tokens/methods/method.ts';
import { namedUser } from '../tokens/password.ts';
import type { ValidToken } from '../tokens/tokens.ts';
import type { Connections } from './connections.ts';
import { provisionProjects } from './provisioning.ts';

/** What a provider has said, proved to be its word, and whom it calls the user where no rule says a name. */
export interface ProvenAssertion {
  attributes: Assertion;
  remoteUser?: string;
}

export interface FederatedLoginParts {
  store: Store<IdentityTables>;
  changes: Changes;
  directory: Directory;
  revocations: Revocations;
  memberships: ExpiringMemberships;
  connections: Connections;
  /** The attribute that says who made an assertion, where the protocol does not say; may be empty. */
  remoteIdAttribute: string;
  /** The configured methods. */
  authMethods: readonly string[];
  /** Told of every assertion that was mapped, or could not be, and of every federated token that was shown. */
  onTry?(tried: FederatedTry): void;
}

/** A login that a provider stands behind. */
export interface FederatedTry {
  outcome: 'success' | 'failure';
  identityProviderId: string;
  protocolId: string;
  /** Where it is known who it is. */
  userId?: string;
  groupIds: readonly string[];
  /** Of the token that was shown, where it was one. */
  auditId?: string;
}

/** Makes users of assertions. Upstream: keystone/auth/plugins/mapped.py, `handle_unscoped_token`. */
export class FederatedLogin {
  readonly connections: Connections;
  readonly #parts: FederatedLoginParts;

  constructor(parts: FederatedLoginParts) {
    this.#parts = parts;
    this.connections = parts.connections;
  }

  /**
   * Whom an assertion means. A user who is not known yet is made, and put where the mapping puts him.
   *
   * @param assertion of whom the caller has made sure that it is the provider's word
   * @throws NotFound for a provider or protocol that is not there; Forbidden for one that is disabled or did not make
   *   the assertion; Unauthorized where the mapping gives nobody
   */
  async prove(idpId: string, protocolId: string, assertion: ProvenAssertion): Promise<Proof> {
    const provider = await this.#provider(idpId);
    const told = { identityProviderId: idpId, protocolId };
    try {
      const proof = await this.#proved(provider, protocolId, assertion);
      const groupIds = proof.authority?.kind === 'federation' ? proof.authority.groupIds : [];
      this.#parts.onTry?.({ ...told, outcome: 'success', userId: proof.userId, groupIds });
      return proof;
    } catch (error) {
      this.#parts.onTry?.({ ...told, outcome: 'failure', groupIds: [] });
      throw error;
    }
  }

  /** Tells of a token that was shown to get another, where a provider stands behind it. */
  shown({ subject: { user, authority }, auditIds: [auditId] }: ValidToken): void {
    if (authority?.kind !== 'federation') return;
    const { identityProviderId, protocolId, groupIds } = authority;
    this.#parts.onTry?.({
      outcome: 'success',
      identityProviderId,
      protocolId,
      userId: user.id,
      groupIds,
      auditId,
    });
  }

  async #proved(
    provider: IdentityProviderRow,
    protocolId: string,
    assertion: ProvenAssertion,
  ): Promise<Proof> {
    const { mapped, version } = await this.#mapped(provider, protocolId, assertion.attributes);
    // A token can only say methods that are configured.
    const methods = [this.#parts.authMethods.includes(protocolId) ? protocolId : 'mapped'];
    if (mapped.user.type === 'local') {
      const user = await namedUser(this.#parts.directory, mapped.user);
      if (!user) throw new Unauthorized();
      return { userId: user.id, methods };
    }
    const groupIds = await this.#groupIds(mapped);
    const userId = await this.#shadow(provider, protocolId, { mapped, version, groupIds, assertion });
    return {
      userId,
      methods,
      authority: { kind: 'federation', groupIds, identityProviderId: provider.id, protocolId },
    };
  }

  /** @throws NotFound, Forbidden for a provider that is not there or is disabled */
  async assertEnabled(idpId: string): Promise<void> {
    await this.#provider(idpId);
  }

  async #provider(id: string): Promise<IdentityProviderRow> {
    const row = await repository(this.#parts.store, identityProviders).find({ id });
    if (!row) throw new NotFound(`Could not find Identity Provider: ${id}.`);
    if (!row.enabled) throw new Forbidden(`Identity Provider ${id} is disabled`);
    return row;
  }

  async #mapped(
    provider: IdentityProviderRow,
    protocolId: string,
    attributes: Assertion,
  ): Promise<{ mapped: MappedIdentity; version: SchemaVersion }> {
    const { store } = this.#parts;
    const key = { identity_provider_id: provider.id, id: protocolId };
    const protocol = await repository(store, federationProtocols).find(key);
    if (!protocol) {
      throw new NotFound(
        `Could not find federated protocol ${protocolId} for Identity Provider: ${provider.id}.`,
      );
    }
    await this.#assertMaker(provider, protocol.remote_id_attribute, attributes);
    const mapping = await repository(store, mappings).find({ id: protocol.mapping_id });
    if (!mapping) throw new NotFound(`Could not find mapping: ${protocol.mapping_id}.`);
    const version = mapping.schema_version as SchemaVersion;
    try {
      return { mapped: mapAssertion({ rules: mapping.rules, schemaVersion: version }, attributes), version };
    } catch (cause) {
      if (cause instanceof AssertionRefused) throw new Unauthorized(cause.message, { cause });
      throw cause;
    }
  }

  /** Where it is known by which attribute, and by which names, the assertion must say that the provider made it. */
  async #assertMaker(
    provider: IdentityProviderRow,
    own: string | null,
    attributes: Assertion,
  ): Promise<void> {
    const attribute = own || this.#parts.remoteIdAttribute;
    const names = await repository(this.#parts.store, remoteIds).list({
      where: [{ column: 'identity_provider_id', op: 'eq', value: provider.id }],
    });
    if (!attribute || names.length === 0) return;
    const maker = attributes[attribute];
    if (maker === undefined) {
      throw new Unauthorized('Could not find Identity Provider identifier in environment');
    }
    const said = [maker].flat();
    if (said.length !== 1 || !names.some((row) => row.remote_id === said[0])) {
      throw new Forbidden(
        'Incoming identity provider identifier not included among the accepted identifiers.',
      );
    }
  }

  /** Groups that are not there give nothing, as upstream's handbook has it. */
  async #groupIds({ groupIds, groups }: MappedIdentity): Promise<string[]> {
    const { directory } = this.#parts;
    const found = new Set((await directory.groupsById(groupIds)).keys());
    for (const { name, domain } of groups) {
      const id = await this.#groupNamed(name, await this.#domainId(domain));
      if (id !== undefined) found.add(id);
    }
    return [...found].toSorted();
  }

  async #groupNamed(name: string, domainId: string): Promise<string | undefined> {
    const row = await this.#parts.store.db
      .selectFrom('groups')
      .select('id')
      .where('domain_id', '=', domainId)
      .where('name', '=', name)
      .executeTakeFirst();
    return row?.id;
  }

  async #domainId({ id, name }: DomainReference): Promise<string> {
    const { directory } = this.#parts;
    const row =
      id === undefined
        ? name !== undefined && (await directory.domainByName(name))
        : await directory.domain(id);
    if (!row) throw new Unauthorized('The mapping names a domain that is not there.');
    return row.id;
  }

  async #shadow(
    provider: IdentityProviderRow,
    protocolId: string,
    said: {
      mapped: MappedIdentity;
      version: SchemaVersion;
      groupIds: readonly string[];
      assertion: ProvenAssertion;
    },
  ): Promise<string> {
    const { store, changes, revocations, memberships, directory } = this.#parts;
    const { user, projects } = said.mapped;
    const name = user.name || said.assertion.remoteUser || user.id;
    const uniqueId = quoted(user.id || name || '');
    if (!name || name.length > 255 || uniqueId.length > 255) throw nobody();
    const domainId = user.domain ? await this.#domainId(user.domain) : provider.domain_id;
    const placed = await Promise.all(
      projects.map(async ({ domain, ...project }) => ({
        ...project,
        domainId: domain ? await this.#domainId(domain) : provider.domain_id,
      })),
    );
    return store.transaction(async () => {
      const id = await shadowUser(this.#parts, {
        identityProviderId: provider.id,
        protocolId,
        uniqueId,
        name,
        domainId,
        ...(user.email === undefined ? {} : { email: user.email }),
      });
      // Tokens carry their groups with them: what the provider takes away must be taken from them too.
      if (await memberships.verified(id, provider.id, said.groupIds))
        await revocations.revoke({ userId: id });
      await provisionProjects({ store, changes, directory }, placed, {
        userId: id,
        userDomainId: domainId,
        identityProviderId: provider.id,
        followProvider: said.version === '3.0',
      });
      return id;
    });
  }
}

const nobody = (): ApiError =>
  new Unauthorized(
    'Could not map user while setting ephemeral user identity. Either mapping rules must specify user id/name or REMOTE_USER environment variable must be set.',
  );

/** What Python's `urllib.parse.quote` makes of a text: so upstream writes unique ids. */
export const quoted = (text: string): string =>
  encodeURIComponent(text.toWellFormed())
    .replaceAll('%2F', '/')
    .replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
