/**
 * The versions of the two trees, oldest first, which guests see as directories. Each of OpenStack's adds to the one
 * before; `latest` is the newest under another name. Source: nova/api/metadata/base.py.
 */
export const ec2Versions = [
  '1.0',
  '2007-01-19',
  '2007-03-01',
  '2007-08-29',
  '2007-10-10',
  '2007-12-15',
  '2008-02-01',
  '2008-09-01',
  '2009-04-04',
] as const;

export const openstackVersions = [
  '2012-08-10',
  '2013-04-04',
  '2013-10-17',
  '2015-10-15',
  '2016-06-30',
  '2016-10-06',
  '2017-02-22',
  '2018-08-27',
  '2020-10-14',
  '2025-04-04',
] as const;

export type Ec2Version = (typeof ec2Versions)[number];
export type OpenstackVersion = (typeof openstackVersions)[number];

const find =
  <V extends string>(versions: readonly V[]) =>
  (name: string): V | undefined =>
    name === 'latest' ? versions.at(-1) : versions.find((each) => each === name);

/** The version that a directory's name stands for; `undefined` where there is none. */
export const ec2Version = find(ec2Versions);
export const openstackVersion = find(openstackVersions);
