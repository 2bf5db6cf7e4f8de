import { boolean, choice, dictionary, integer, text } from '../../../platform/config/setting.ts';

/** Where users and groups are. */
export const backendSettings = {
  driver: choice(['sql', 'ldap'], {
    description: 'Where the users of the default domain are, where it has no configuration of its own.',
    default: 'sql',
  }),
  ldap: dictionary({
    description: "The options of that directory, by keystone's names of its section `ldap`.",
    default: {},
    secret: true,
  }),
  backward_compatible_ids: boolean({
    description: 'Whether users of that directory are known by its own ids.',
    default: true,
  }),
  domain_specific_drivers_enabled: boolean({
    description: 'Whether domains may have backends of their own.',
    default: false,
  }),
  domain_configurations_from_database: boolean({
    description: 'Whether these are configured by the API instead of by files.',
    default: false,
  }),
  domain_config_dir: text({
    description:
      'The folder of those files, keystone.<domain>.yaml each; without it, domains/ beside the database.',
    default: '',
  }),
  ldap_cache_time: integer({
    description: 'Seconds that what a directory said of users and groups is believed.',
    default: 60,
    min: 1,
    max: 86_400,
  }),
} as const;
