import { Type } from 'typebox';

const switches = [
  'ignore_change_password_upon_first_use',
  'ignore_password_expiry',
  'ignore_lockout_failure_attempts',
  'lock_password',
  'ignore_user_inactivity',
  'multi_factor_auth_enabled',
] as const;

/** Each a list of methods that together are enough. */
const AuthRules = Type.Array(
  Type.Array(Type.String({ maxLength: 255 }), { minItems: 1, maxItems: 32, uniqueItems: true }),
  { maxItems: 64, uniqueItems: true },
);

/** The options that a user may have; `null` takes one away. Upstream: keystone/identity/backends/resource_options.py */
export const UserOptions = Type.Object(
  {
    ...Object.fromEntries(
      switches.map((name) => [name, Type.Optional(Type.Union([Type.Null(), Type.Boolean()]))]),
    ),
    multi_factor_auth_rules: Type.Optional(Type.Union([Type.Null(), AuthRules])),
  },
  { additionalProperties: false },
);
