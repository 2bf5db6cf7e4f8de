import { choice } from '../../../platform/config/setting.ts';

/** keystone's `[token] provider`. */
export const tokenSettings = {
  token_provider: choice(['fernet', 'jws'], {
    description: 'What tokens are: encrypted (fernet), or signed and readable by whoever holds one (jws).',
    default: 'fernet',
  }),
} as const;
