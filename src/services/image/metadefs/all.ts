import { cimDefinitions } from './cim.ts';
import type { Definition } from './definition.ts';
import { guestDefinitions } from './guests.ts';
import { imageDefinitions } from './images.ts';
import { libvirtDefinitions } from './libvirt.ts';
import { schedulingDefinitions } from './scheduling.ts';
import { softwareDefinitions } from './software.ts';
import { vmwareDefinitions } from './vmware.ts';

/** The standard namespaces, in the order in which they are made. */
export const standardDefinitions: readonly Definition[] = [
  ...cimDefinitions,
  ...schedulingDefinitions,
  ...guestDefinitions,
  ...libvirtDefinitions,
  ...vmwareDefinitions,
  ...imageDefinitions,
  ...softwareDefinitions,
];
