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
import { FederatedLogin } from './login.ts';
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
  /** The key that signs assertions: made when it is first asked for. */
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
}): Promise<Federation> {
  const { store, changes, directory, revocations, settings, stateDir } = of;
  const url = () => settings.federation_url.replace(/\/+$/, '') || of.url();
  const memberships = new ExpiringMemberships(store, changes, settings.default_authorization_ttl);
  directory.expiringMemberships = memberships;
  const connections = await Connections.open(settings.federation, url);
  const remoteIdAttribute = settings.remote_id_attribute;
  let key: Promise<Buffer> | undefined;
  let keys: Promise<SamlKeys> | undefined;
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
    }),
    logins: new PendingLogins(() => {
      key ??= secretFile(join(stateDir, 'federation-key'));
      return key;
    }),
    tickets: new FederationTickets(store),
    memberships,
    url,
    keys() {
      keys ??= samlKeys({ stateDir, keyfile: settings.saml_keyfile, certfile: settings.saml_certfile });
      // It is tried again when it is asked for again.
      keys.catch(() => {
        keys = undefined;
      });
      return keys;
    },
    close: () => memberships.close(),
  };
}
