import type { Atomically, resourcesIn } from '../../platform/resource/resource.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Federation } from './federation/federation.ts';
import type { IdentitySettings } from './settings.ts';
import type { ApplicationCredentials } from './store/application-credentials.ts';
import type { Catalogs } from './store/catalogs.ts';
import type { Changes } from './store/changes.ts';
import type { CredentialStore } from './store/credentials.ts';
import type { Directory } from './store/directory.ts';
import type { DomainConfigurations } from './store/domain-configurations.ts';
import type { Elsewhere } from './store/elsewhere.ts';
import type { IdMapping } from './store/id-mapping.ts';
import type { Limits } from './store/limits.ts';
import type { Memberships } from './store/memberships.ts';
import type { OAuth1 } from './store/oauth1.ts';
import type { Revocations } from './store/revocations.ts';
import type { IdentityTables } from './store/schema.ts';
import type { Trusts } from './store/trusts.ts';
import type { Authentication } from './tokens/authentication.ts';
import type { Hasher } from './tokens/hasher.ts';
import type { Passwords } from './tokens/password.ts';
import type { Receipts } from './tokens/receipts.ts';
import type { Subjects } from './tokens/subjects.ts';
import type { Tokens } from './tokens/tokens.ts';

/** The running service, as its API's files see it. */
export interface Identity {
  store: Store<IdentityTables>;
  changes: Changes;
  directory: Directory;
  /** Absent where every domain's users are in identity's own tables. */
  elsewhere: Elsewhere | undefined;
  mapping: IdMapping;
  memberships: Memberships;
  catalogs: Catalogs;
  limits: Limits;
  domainConfigurations: DomainConfigurations;
  subjects: Subjects;
  revocations: Revocations;
  applicationCredentials: ApplicationCredentials;
  trusts: Trusts;
  oauth1: OAuth1;
  federation: Federation;
  credentials: CredentialStore;
  receipts: Receipts;
  tokens: Tokens;
  authentication: Authentication;
  hasher: Hasher;
  passwords: Passwords;
  settings: IdentitySettings;
  resource: ReturnType<typeof resourcesIn>;
  atomically: Atomically;
  /** For `WWW-Authenticate`. */
  url(): string;
  /** Tells the other services that a project is gone. */
  projectDeleted(id: string): void;
}
