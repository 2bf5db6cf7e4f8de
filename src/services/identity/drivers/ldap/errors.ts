import { ResultCodeError } from 'ldapts';
import { ApiError, ServiceUnavailable } from '../../../../platform/errors/errors.ts';

/** The result codes of RFC 4511 that mean something here. */
export const resultCodes = {
  sizeLimitExceeded: 4,
  noSuchAttribute: 16,
  constraintViolation: 19,
  typeOrValueExists: 20,
  noSuchObject: 32,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccess: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
  objectClassViolation: 65,
  alreadyExists: 68,
} as const;

/** The code with which the server refused; undefined where it gave no answer. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof ResultCodeError ? error.code : undefined;
}

export const isCode = (error: unknown, ...names: (keyof typeof resultCodes)[]): boolean => {
  const code = codeOf(error);
  return code !== undefined && names.some((name) => resultCodes[name] === code);
};

/** No server of a domain can be asked. The message names no server: those who ask need not know it. */
export class LdapUnavailable extends ServiceUnavailable {
  constructor(cause: unknown) {
    super('Unable to establish a connection to LDAP Server.', { code: 'LDAPServerConnectionError', cause });
  }
}

/** The server refuses the account that this cloud searches with. */
export class LdapRefused extends ServiceUnavailable {
  constructor(cause: unknown) {
    super('Unable to authenticate against Identity backend - Invalid username or password', {
      code: 'LDAPInvalidCredentialsError',
      cause,
    });
  }
}

export class LdapSizeLimitExceeded extends ApiError {
  constructor(cause: unknown) {
    super(
      500,
      'Number of User/Group entities returned by LDAP exceeded size limit. Contact your LDAP administrator.',
      { code: 'LDAPSizeLimitExceeded', cause },
    );
  }
}
