import { choice, list } from '../../../platform/config/setting.ts';

/** What is said of writes and authentications: keystone's `[DEFAULT]` options. */
export const notificationSettings = {
  notification_format: choice(['cadf', 'basic'], {
    description: 'How notifications of writes are written: as CADF audit events, or the id alone.',
    default: 'cadf',
  }),
  notification_opt_out: list({
    description: 'Events of which nothing is said, by their full names.',
    default: ['identity.authenticate.success', 'identity.authenticate.pending'],
  }),
} as const;
