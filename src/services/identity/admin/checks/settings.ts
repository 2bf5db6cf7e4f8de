import { type Check, type Examined, symptom } from './check.ts';

const dayOfSeconds = 86_400;

/** Settings that stand in each other's way, or that let more through than one would think. */
export function settingChecks({ identity: { settings } }: Examined): Check[] {
  const ldap = settings.ldap as Readonly<Record<string, unknown>>;
  const usesLdap = settings.driver === 'ldap';
  return [
    {
      what: 'passwords can be changed before they end',
      look: () => {
        const { minimum_password_age: least, password_expires_days: most } = settings;
        return symptom(most > 0 && least >= most, 'problem', {
          seen: `minimum_password_age (${least}) is not less than password_expires_days (${most})`,
          mend: 'set identity.minimum_password_age to fewer days',
        });
      },
    },
    {
      what: 'the rule of passwords is told to people',
      look: () => {
        const { password_regex, password_regex_description } = settings;
        return symptom(password_regex !== '' && password_regex_description === '', 'warning', {
          seen: 'password_regex is set, password_regex_description is not',
          mend: 'say in identity.password_regex_description, for people, what a password must be',
        });
      },
    },
    {
      what: 'passwords are hashed slowly enough',
      look: () => {
        const { password_hash_algorithm: algorithm, password_hash_rounds: rounds } = settings;
        const least = { bcrypt: 10, bcrypt_sha256: 10, scrypt: 14, pbkdf2_sha512: 25_000, argon2: 2 };
        return symptom(rounds > 0 && rounds < least[algorithm], 'warning', {
          seen: `${algorithm} with ${rounds} rounds: whoever has the hashes soon has the passwords`,
          mend: `take identity.password_hash_rounds away (${least[algorithm]} is the least that one should have)`,
        });
      },
    },
    {
      what: 'guessing is stopped',
      look: () =>
        symptom(settings.lockout_failure_attempts === 0, 'warning', {
          seen: 'any number of wrong passwords may be tried',
          mend: 'set identity.lockout_failure_attempts, as to 6',
        }),
    },
    {
      what: 'tokens end within a day',
      look: () =>
        symptom(settings.token_expiration > dayOfSeconds, 'warning', {
          seen: `a token that is lost is good for ${Math.round(settings.token_expiration / 3600)} hours`,
          mend: 'set identity.token_expiration to an hour or a few (seconds)',
        }),
    },
    {
      what: 'the directory is asked over an encrypted connection',
      look: () => {
        const urls = String(ldap['url'] ?? 'ldap://localhost').split(/[\s,]+/);
        const plain = urls.filter((url) => url.startsWith('ldap://') && !isLocal(url));
        return symptom(usesLdap && ldap['use_tls'] !== true && plain.length > 0, 'warning', {
          seen: `passwords cross the network in the clear to ${plain.map(hostOf).join(', ')}`,
          mend: 'set use_tls in identity.ldap, or use ldaps://',
        });
      },
    },
    {
      what: 'users of the directory are told enabled as is meant',
      look: () => {
        const ignored = ['user_enabled_emulation_dn', 'user_enabled_emulation_use_group_config'].filter(
          (name) => ldap[name] !== undefined && ldap[name] !== '' && ldap[name] !== false,
        );
        return symptom(usesLdap && ldap['user_enabled_emulation'] !== true && ignored.length > 0, 'warning', {
          seen: `${ignored.join(' and ')} without user_enabled_emulation: nothing comes of it`,
          mend: 'set user_enabled_emulation in identity.ldap, or take the other away',
        });
      },
    },
    {
      what: 'groups of the directory have the members that are meant',
      look: () =>
        symptom(
          usesLdap && ldap['group_objectclass'] === 'posixGroup' && ldap['group_members_are_ids'] !== true,
          'warning',
          {
            seen: 'members of a posixGroup are ids, and are read as DNs',
            mend: 'set group_members_are_ids in identity.ldap',
          },
        ),
    },
  ];
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);
const isLocal = (url: string): boolean =>
  /^ldap:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])([:/]|$)/.test(url);
