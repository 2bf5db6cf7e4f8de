import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { sectionOf } from '../../platform/config/section.ts';
import { resourcesIn } from '../../platform/resource/resource.ts';
import type { Platform } from '../../platform/service/service.ts';
import { identityStyle } from './api/style.ts';
import { Audit } from './audit.ts';
import { domainConfigurationChanged, identityChanged, projectDeleted, tokensRevoked } from './contract.ts';
import { openElsewhere } from './drivers/open-elsewhere.ts';
import { openFederation } from './federation/federation.ts';
import type { Identity } from './identity.ts';
import { DomainOptions } from './model/domain-options.ts';
import { defaultAllowExpiredWindow } from './model/token-expiry.ts';
import { openAuthentication } from './open-authentication.ts';
import { type Keys, openKeys } from './open-keys.ts';
import { identitySettings } from './settings.ts';
import { ApplicationCredentials } from './store/application-credentials.ts';
import { Catalogs } from './store/catalogs.ts';
import { Changes } from './store/changes.ts';
import { CredentialStore } from './store/credentials.ts';
import { Directory } from './store/directory.ts';
import { DomainConfigurations } from './store/domain-configurations.ts';
import { IdMapping } from './store/id-mapping.ts';
import { Limits } from './store/limits.ts';
import { Memberships } from './store/memberships.ts';
import { OAuth1 } from './store/oauth1.ts';
import { Revocations } from './store/revocations.ts';
import { identitySchema } from './store/schema.ts';
import { secretFile } from './store/secret-file.ts';
import { Trusts } from './store/trusts.ts';
import { applicationCredentialBounds } from './tokens/authorities/application-credential.ts';
import { federationBounds } from './tokens/authorities/federation.ts';
import { oauth1Bounds } from './tokens/authorities/oauth1.ts';
import { trustBounds } from './tokens/authorities/trust.ts';
import { fernetFormat, jwsFormat } from './tokens/format.ts';
import { Hasher } from './tokens/hasher.ts';
import { Passwords } from './tokens/password.ts';
import { Receipts } from './tokens/receipts.ts';
import { Subjects } from './tokens/subjects.ts';
import { Tokens } from './tokens/tokens.ts';

export interface OpenIdentity {
  identity: Identity;
  keys: Keys;
  audit: Audit;
  /** By which this process knows its own notifications. */
  self: string;
}

/**
 * Opens the store, the keys and everything that stands on them; nobody is answered yet.
 * @param until what ends with the service
 */
export async function openIdentity(platform: Platform, until: AsyncDisposableStack): Promise<OpenIdentity> {
  const { log, bus, stateDir } = platform;
  const settings = sectionOf(identitySettings, platform.settings);
  const store = await platform.openStore(identitySchema);
  const keys = await openKeys(platform, settings, until);
  const self = randomUUID();
  const url = () => platform.urlOf('identity');
  const notify = (event: string, payload: object) => {
    bus.notify(event, payload).catch((err: unknown) => log.error({ err, event }, 'nobody could be told'));
  };
  const changes = new Changes(store);
  // In this process at once, before the client has its answer; elsewhere as fast as the bus carries it.
  changes.onRevoked(() => platform.authenticator.forget());
  changes.onRevoked(() => notify(tokensRevoked, {}));
  changes.onWrite(() => notify(identityChanged, { from: self }));
  keys.tokens.onReload(() => changes.forget());
  keys.jws?.onReload(() => changes.forget());

  const domainConfigurations = new DomainConfigurations({
    store,
    changes,
    options: new DomainOptions(settings.domain_config_additional_whitelisted_options),
    keys: keys.domainConfigurations,
    announce: (domainId) => notify(domainConfigurationChanged, { domainId, from: self }),
    warn: (about) => log.warn(about, 'an option names a sensitive option that is not there'),
  });
  const mapping = new IdMapping(store, changes);
  const elsewhere = await openElsewhere({
    settings,
    stateDir,
    mapping,
    changes,
    log,
    nameOf: async (id) => (await directory.domain(id))?.name,
    configOf: async (id) => {
      const config = await domainConfigurations.of(id);
      return Object.keys(config).length > 0 ? config : undefined;
    },
  });
  until.defer(() => elsewhere?.close());
  const inactiveAfter = settings.disable_user_account_days_inactive;
  const directory: Directory = new Directory(store, changes, inactiveAfter, elsewhere);

  const applicationCredentials = new ApplicationCredentials(store, changes);
  const trusts = new Trusts(store, changes);
  const oauth1 = new OAuth1(store, changes, settings);
  const subjects = new Subjects(directory, changes, {
    trust: trustBounds(trusts, directory),
    oauth1: oauth1Bounds(oauth1, directory),
    federation: federationBounds(store, directory),
    'application-credential': applicationCredentialBounds(applicationCredentials),
  });
  const { token_expiration: expiration, auth_methods: methods } = settings;
  const revocations = new Revocations(store, changes, expiration + defaultAllowExpiredWindow);
  const tokens = new Tokens({
    format: keys.jws ? jwsFormat(keys.jws) : fernetFormat(keys.tokens, methods),
    subjects,
    revocations,
    changes,
    expiration,
    methods,
  });

  const audit = new Audit({
    notify,
    onError: (err) => log.error({ err }, 'what was done could not be told'),
    directory,
    host: platform.host,
    settings,
  });
  const hasher = new Hasher(settings);
  const passwords = new Passwords({
    store,
    directory,
    elsewhere,
    hasher,
    rules: settings,
    decoyKey: await secretFile(join(stateDir, 'decoy-key')),
    onTry: (tried) => audit.authenticated(tried),
  });
  const credentials = new CredentialStore(store, keys.credentials);
  const federation = await openFederation({
    store,
    changes,
    directory,
    revocations,
    settings,
    stateDir,
    url,
    onTry: (tried) => audit.federated(tried),
  });
  until.defer(() => federation.close());
  const limits = new Limits(store, changes, directory, { model: settings.enforcement_model });
  await limits.assertDepth();
  const allIfNoFilter = settings.return_all_endpoints_if_no_filter;
  const atomically: Identity['atomically'] = (work) => store.transaction(work);
  const parts = {
    settings,
    store,
    changes,
    directory,
    elsewhere,
    mapping,
    memberships: new Memberships(store, changes, directory, elsewhere),
    catalogs: new Catalogs(store, changes, directory, { allIfNoFilter }),
    limits,
    domainConfigurations,
    subjects,
    revocations,
    tokens,
    hasher,
    passwords,
    applicationCredentials,
    trusts,
    oauth1,
    credentials,
    receipts: new Receipts(keys.receipts, settings.receipt_expiration, methods),
    federation,
    resource: resourcesIn(identityStyle, atomically),
    atomically,
    url,
    projectDeleted: (id: string) => notify(projectDeleted, { id }),
  };
  return { identity: { ...parts, authentication: openAuthentication(parts) }, keys, audit, self };
}
