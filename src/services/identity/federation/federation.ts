import { join } from 'node:path';
import type { Store } from '../../../platform/store/store.ts';
import type { IdentitySettings } from '../settings.ts';
import type { Changes } from '../store/changes.ts';
import type { Directory } from '../store/directory.ts';
import { ExpiringMemberships } from '../store/expiring-memberships.ts';
import { FederationTickets } from '../store/federation-tickets.ts';
import type { Revocations } from '../store/revocations.ts';
import type { IdentityTables } from '../store/schema.ts';
import { secretFile } from '../store/secret-file.ts';
import { Connections } from './connections.ts';
import { FederatedLogin, type FederatedTry } from './login.ts';
import { PendingLogins } from './pending-logins.ts';
import { type SamlKeys, samlKeys } from './saml/keys.ts';

/** Everything that lets users of elsewhere in here, and ours elsewhere. */
export interface Federation {
  connections: Connections;
  login: FederatedLogin;
  logins: PendingLogins;
  tickets: FederationTickets;
  memberships: ExpiringMemberships;
  /** Where identity is, as providers and browsers know it. */
  url(): string;
  /** The key that signs assertions, and for providers without one of their own requests: made when first asked for. */
  keys(): Promise<SamlKeys>;
  close(): void;
}

/** @throws TypeError for settings that cannot be used */
export async function openFederation(of: {
  store: Store<IdentityTables>;
  changes: Changes;
  directory: Directory;
  revocations: Revocations;
  settings: IdentitySettings;
  stateDir: string;
  url(): string;
  onTry(tried: FederatedTry): void;
}): Promise<Federation> {
  const { store, changes, directory, revocations, settings, stateDir } = of;
  const url = () => settings.federation_url.replace(/\/+$/, '') || of.url();
  const memberships = new ExpiringMemberships(store, changes, settings.default_authorization_ttl);
  directory.expiringMemberships = memberships;
  const remoteIdAttribute = settings.remote_id_attribute;
  let key: Promise<Buffer> | undefined;
  let made: Promise<SamlKeys> | undefined;
  const { saml_keyfile: keyfile, saml_certfile: certfile } = settings;
  const keys = () => {
    made ??= samlKeys({ stateDir, keyfile, certfile });
    // It is tried again when it is asked for again.
    made.catch(() => {
      made = undefined;
    });
    return made;
  };
  const configured = keyfile !== '' && certfile !== '';
  const connections = await Connections.open(settings.federation, url, { configured, keys });
  return {
    connections,
    login: new FederatedLogin({
      store,
      changes,
      directory,
      revocations,
      memberships,
      connections,
      remoteIdAttribute,
      authMethods: settings.auth_methods,
      onTry: of.onTry,
    }),
    logins: new PendingLogins(() => {
      key ??= secretFile(join(stateDir, 'federation-key'));
      return key;
    }),
    tickets: new FederationTickets(store),
    memberships,
    url,
    keys,
    close: () => memberships.close(),
  };
}
