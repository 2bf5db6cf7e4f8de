import type { Federation } from './federation/federation.ts';
import type { IdentitySettings } from './settings.ts';
import type { ApplicationCredentials } from './store/application-credentials.ts';
import type { CredentialStore } from './store/credentials.ts';
import type { Directory } from './store/directory.ts';
import type { OAuth1 } from './store/oauth1.ts';
import { Authentication } from './tokens/authentication.ts';
import { externalUser } from './tokens/external.ts';
import type { Hasher } from './tokens/hasher.ts';
import { applicationCredentialMethod } from './tokens/methods/application-credential.ts';
import { mappedMethods } from './tokens/methods/mapped.ts';
import { oauth1Method } from './tokens/methods/oauth1.ts';
import { passwordMethod } from './tokens/methods/password.ts';
import { tokenMethod } from './tokens/methods/token.ts';
import { totpMethod } from './tokens/methods/totp.ts';
import type { Passwords } from './tokens/password.ts';
import type { Tokens } from './tokens/tokens.ts';

/** The ways to say who one is, those of them that the settings offer. */
export function openAuthentication(of: {
  directory: Directory;
  passwords: Passwords;
  hasher: Hasher;
  tokens: Tokens;
  applicationCredentials: ApplicationCredentials;
  credentials: CredentialStore;
  oauth1: OAuth1;
  federation: Federation;
  settings: IdentitySettings;
}): Authentication {
  const { settings, directory, tokens } = of;
  const methods = [
    passwordMethod(of.passwords),
    tokenMethod(tokens, settings, (shown) => of.federation.login.shown(shown)),
    applicationCredentialMethod(of),
    totpMethod(of),
    oauth1Method(of.oauth1),
  ];
  return new Authentication(
    [
      ...methods.filter(({ name }) => settings.auth_methods.includes(name)),
      ...mappedMethods(tokens, of.federation.login, settings.auth_methods),
    ],
    externalUser(directory, settings),
  );
}
