import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../platform/clock/clock.ts';
import { sectionOf } from '../../platform/config/section.ts';
import { resourcesIn } from '../../platform/resource/resource.ts';
import type { ServiceDefinition } from '../../platform/service/service.ts';
import { offerAdministration } from './admin/operator.ts';
import { accessRuleRoutes } from './api/access-rules.ts';
import { applicationCredentialRoutes } from './api/application-credentials.ts';
import { audited } from './api/audited.ts';
import { authScopeRoutes } from './api/auth-scopes.ts';
import { authTokenRoutes } from './api/auth-tokens.ts';
import { catalogRoutes } from './api/catalog.ts';
import { credentialRoutes } from './api/credentials.ts';
import { domainConfigurationRoutes } from './api/domain-configurations.ts';
import { domainRoutes } from './api/domains.ts';
import { ec2CredentialRoutes } from './api/ec2-credentials.ts';
import { endpointFilterRoutes } from './api/endpoint-filter.ts';
import { federationRoutes } from './api/federation/routes.ts';
import { grantRoutes } from './api/grants.ts';
import { groupRoutes } from './api/groups.ts';
import { limitRoutes } from './api/limits.ts';
import { oauth1Routes } from './api/oauth1/routes.ts';
import { policyRoutes } from './api/policy-associations.ts';
import { projectTagRoutes } from './api/project-tags.ts';
import { projectRoutes } from './api/projects.ts';
import { registeredLimitRoutes } from './api/registered-limits.ts';
import { revocationRoutes } from './api/revocations.ts';
import { roleAssignmentRoutes } from './api/role-assignments.ts';
import { roleRoutes } from './api/roles.ts';
import { signedTokenRoutes } from './api/signed-tokens.ts';
import { identityErrors, identityStyle } from './api/style.ts';
import { trustRoutes } from './api/trusts.ts';
import { userPasswordRoutes } from './api/user-password.ts';
import { userRoutes } from './api/users.ts';
import { versionRoutes } from './api/versions.ts';
import { Audit } from './audit.ts';
import { bootstrap } from './bootstrap.ts';
import {
  domainConfigurationChanged,
  identityAdmin,
  identityChanged,
  identityService,
  projectDeleted,
  tokensRevoked,
} from './contract.ts';
import { openElsewhere } from './drivers/open-elsewhere.ts';
import { offerMappings } from './drivers/operator.ts';
import { openFederation } from './federation/federation.ts';
import type { Identity } from './identity.ts';
import { DomainOptions } from './model/domain-options.ts';
import { defaultAllowExpiredWindow } from './model/token-expiry.ts';
import { identityPolicies } from './policies/policies.ts';
import { identitySettings } from './settings.ts';
import { ApplicationCredentials } from './store/application-credentials.ts';
import { Catalogs } from './store/catalogs.ts';
import { Changes } from './store/changes.ts';
import { CredentialStore } from './store/credentials.ts';
import { Directory } from './store/directory.ts';
import { DomainConfigurations } from './store/domain-configurations.ts';
import { eachDay } from './store/each-day.ts';
import { IdMapping } from './store/id-mapping.ts';
import { JwsKeys } from './store/jws-keys.ts';
import { KeyRepository } from './store/key-repository.ts';
import { Limits } from './store/limits.ts';
import { Memberships } from './store/memberships.ts';
import { OAuth1 } from './store/oauth1.ts';
import { Revocations } from './store/revocations.ts';
import { identitySchema } from './store/schema.ts';
import { secretFile } from './store/secret-file.ts';
import { Trusts } from './store/trusts.ts';
import { Authentication } from './tokens/authentication.ts';
import { applicationCredentialBounds } from './tokens/authorities/application-credential.ts';
import { federationBounds } from './tokens/authorities/federation.ts';
import { oauth1Bounds } from './tokens/authorities/oauth1.ts';
import { trustBounds } from './tokens/authorities/trust.ts';
import type { Authorities } from './tokens/bounds.ts';
import { externalUser } from './tokens/external.ts';
import { fernetFormat, jwsFormat } from './tokens/format.ts';
import { Hasher } from './tokens/hasher.ts';
import { applicationCredentialMethod } from './tokens/methods/application-credential.ts';
import { mappedMethods } from './tokens/methods/mapped.ts';
import { oauth1Method } from './tokens/methods/oauth1.ts';
import { passwordMethod } from './tokens/methods/password.ts';
import { tokenMethod } from './tokens/methods/token.ts';
import { totpMethod } from './tokens/methods/totp.ts';
import { Passwords } from './tokens/password.ts';
import { Receipts } from './tokens/receipts.ts';
import { Subjects } from './tokens/subjects.ts';
import { Tokens, toCredentials } from './tokens/tokens.ts';

const families = [
  authTokenRoutes,
  authScopeRoutes,
  userRoutes,
  userPasswordRoutes,
  groupRoutes,
  projectRoutes,
  projectTagRoutes,
  domainRoutes,
  domainConfigurationRoutes,
  roleRoutes,
  grantRoutes,
  roleAssignmentRoutes,
  catalogRoutes,
  federationRoutes,
  endpointFilterRoutes,
  policyRoutes,
  applicationCredentialRoutes,
  accessRuleRoutes,
  trustRoutes,
  oauth1Routes,
  revocationRoutes,
  credentialRoutes,
  ec2CredentialRoutes,
  signedTokenRoutes,
  registeredLimitRoutes,
  limitRoutes,
];

/** Who may do what: users, projects, roles, tokens, and the catalog. */
export const identity: ServiceDefinition = {
  name: 'identity',
  catalog: { type: 'identity', name: 'keystone', description: 'OpenStack Identity', path: '/v3' },
  port: 5000,
  async start(platform) {
    const { log, bus } = platform;
    const store = await platform.openStore(identitySchema);
    const settings = sectionOf(identitySettings, platform.settings);
    const expiration = settings.token_expiration;
    const changes = new Changes(store);
    const mapping = new IdMapping(store, changes);
    const elsewhere = await openElsewhere({
      settings,
      stateDir: platform.stateDir,
      mapping,
      changes,
      log,
      nameOf: async (id) => (await directory.domain(id))?.name,
      configOf: async (id) => {
        const config = await domainConfigurations.of(id);
        return Object.keys(config).length > 0 ? config : undefined;
      },
    });
    const directory: Directory = new Directory(
      store,
      changes,
      settings.disable_user_account_days_inactive,
      elsewhere,
    );
    /** What tokens may stand on beside their user's word. */
    const applicationCredentials = new ApplicationCredentials(store, changes);
    const trusts = new Trusts(store, changes);
    const oauth1 = new OAuth1(store, changes, settings);
    const authorities: Authorities = {
      trust: trustBounds(trusts, directory),
      oauth1: oauth1Bounds(oauth1, directory),
      federation: federationBounds(store, directory),
      'application-credential': applicationCredentialBounds(applicationCredentials),
    };
    const subjects = new Subjects(directory, changes, authorities);
    const revocations = new Revocations(store, changes, expiration + defaultAllowExpiredWindow);
    const federation = openFederation({
      store,
      changes,
      directory,
      revocations,
      settings,
      stateDir: platform.stateDir,
      url: () => platform.urlOf('identity'),
    });
    const keys = await KeyRepository.open({
      directory: join(platform.stateDir, 'fernet-keys'),
      onError: (err) => log.error({ err }, 'the Fernet keys cannot be read: those in memory stay in use'),
    });
    keys.onReload(() => changes.forget());
    const jwsKeys =
      settings.token_provider === 'jws'
        ? await JwsKeys.open({
            directory: join(platform.stateDir, 'jws-keys'),
            onError: (err) =>
              log.error({ err }, 'the keys of signed tokens cannot be read: those in memory stay'),
          })
        : undefined;
    jwsKeys?.onReload(() => changes.forget());
    const notify = (event: string, payload: object) => {
      bus.notify(event, payload).catch((err: unknown) => log.error({ err, event }, 'nobody could be told'));
    };
    const tokens = new Tokens({
      format: jwsKeys ? jwsFormat(jwsKeys) : fernetFormat(keys, settings.auth_methods),
      subjects,
      revocations,
      changes,
      expiration,
      methods: settings.auth_methods,
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
      decoyKey: await secretFile(join(platform.stateDir, 'decoy-key')),
      onTry: (tried) => audit.authenticated(tried),
    });
    const credentialKeys = await KeyRepository.open({
      directory: join(platform.stateDir, 'credential-keys'),
      onError: (err) =>
        log.error({ err }, 'the keys of credentials cannot be read: those in memory stay in use'),
    });
    const credentials = new CredentialStore(store, credentialKeys);
    const receiptKeys = await KeyRepository.open({
      directory: join(platform.stateDir, 'receipt-keys'),
      onError: (err) =>
        log.error({ err }, 'the keys of receipts cannot be read: those in memory stay in use'),
    });
    const receipts = new Receipts(receiptKeys, settings.receipt_expiration, settings.auth_methods);
    const methods = [
      passwordMethod(passwords),
      tokenMethod(tokens, settings),
      applicationCredentialMethod({ directory, applicationCredentials, hasher }),
      totpMethod({ directory, credentials, settings }),
      oauth1Method(oauth1),
    ];
    const authentication = new Authentication(
      [
        ...methods.filter(({ name }) => settings.auth_methods.includes(name)),
        ...mappedMethods(tokens, federation.login, settings.auth_methods),
      ],
      externalUser(directory, settings),
    );
    // In this process at once, before the client has its answer; elsewhere as fast as the bus carries it.
    changes.onRevoked(() => platform.authenticator.forget());
    changes.onRevoked(() => notify(tokensRevoked, {}));
    const self = randomUUID();
    changes.onWrite(() => notify(identityChanged, { from: self }));
    const limits = new Limits(store, changes, directory, { model: settings.enforcement_model });
    await limits.assertDepth();
    const domainConfigurationKeys = await KeyRepository.open({
      directory: join(platform.stateDir, 'domain-configuration-keys'),
      onError: (err) =>
        log.error({ err }, 'the keys of domain configurations cannot be read: those in memory stay'),
    });
    const domainConfigurations = new DomainConfigurations({
      store,
      changes,
      options: new DomainOptions(settings.domain_config_additional_whitelisted_options),
      keys: domainConfigurationKeys,
      announce: (domainId) => notify(domainConfigurationChanged, { domainId, from: self }),
      warn: (about) => log.warn(about, 'an option names a sensitive option that is not there'),
    });
    const allIfNoFilter = settings.return_all_endpoints_if_no_filter;
    const running: Identity = {
      limits,
      domainConfigurations,
      catalogs: new Catalogs(store, changes, directory, { allIfNoFilter }),
      store,
      changes,
      directory,
      elsewhere,
      mapping,
      memberships: new Memberships(store, changes, directory, elsewhere),
      subjects,
      revocations,
      federation,
      applicationCredentials,
      trusts,
      oauth1,
      credentials,
      receipts,
      tokens,
      authentication,
      hasher,
      passwords,
      settings,
      resource: resourcesIn(identityStyle, (work) => store.transaction(work)),
      atomically: (work) => store.transaction(work),
      url: () => platform.urlOf('identity'),
      projectDeleted: (id) => notify(projectDeleted, { id }),
    };
    platform.offer('rotate-credential-keys', async () => ({ encrypted: await credentials.rotate() }));
    offerMappings(platform, { mapping, elsewhere, directory });
    offerAdministration(platform, running, { receipts: receiptKeys, jws: jwsKeys });
    platform.offer('rotate-fernet-keys', async () => {
      await keys.rotate();
      return { rotated: true };
    });
    platform.offer('rotate-domain-configuration-keys', async () => {
      await domainConfigurations.rotateKeys();
      return { rotated: true };
    });
    const listeners = [
      await bus.subscribe(domainConfigurationChanged, ({ payload }) => {
        const { domainId, from } = payload as { domainId?: unknown; from?: unknown };
        if (from !== self && typeof domainId === 'string') domainConfigurations.changedElsewhere(domainId);
      }),
      await bus.subscribe(identityChanged, ({ payload }) => {
        if ((payload as { from?: unknown }).from !== self) changes.forget();
      }),
      await bus.serve(identityService, {
        async validateToken({ token }) {
          const found = await tokens.validate(token);
          return found ? toCredentials(found) : null;
        },
        limits: (request) => limits.of(request),
        async project({ id }) {
          const found = await directory.project(id);
          if (!found || found.is_domain) return null;
          const { name, domain_id, parent_id, enabled } = found;
          return { id, name, domainId: domain_id, parentId: parent_id, enabled };
        },
      }),
      await bus.serve(
        identityAdmin,
        { bootstrap: (args) => bootstrap(running, args) },
        { host: platform.host },
      ),
    ];
    if (settings.disable_user_account_days_inactive > 0) {
      // With the day some users may be inactive, of whom something else is remembered here and in every service.
      const stop = eachDay(systemClock, () => changes.revoked());
      listeners.push({ close: async () => stop() });
    }
    try {
      const authorizer = await platform.authorizer(identityPolicies);
      const beside = families.flatMap((family) => family(running));
      const routes = audited([...versionRoutes(beside), ...beside], audit);
      await platform.listen(
        {
          name: 'identity',
          title: 'Identity',
          errors: identityErrors,
          headers: { vary: 'X-Auth-Token' },
          challengePath: '/v3',
          routes,
          guardsUnknownPaths: false,
        },
        identity.port as number,
        authorizer,
      );
    } catch (error) {
      for (const each of [keys, credentialKeys, receiptKeys, jwsKeys]) each?.close();
      domainConfigurationKeys.close();
      for (const each of listeners) await each.close();
      throw error;
    }
    return {
      async close() {
        elsewhere?.close();
        federation.close();
        for (const each of [keys, credentialKeys, receiptKeys, jwsKeys]) each?.close();
        domainConfigurationKeys.close();
        for (const each of listeners) await each.close();
      },
    };
  },
};
