import type { Known } from './known.ts';

export const knownOfPlacement: readonly Known[] = [
  {
    why: 'Refusals depend on the version as other answers do, and say so',
    of: /./,
    lines: /^\+vary: openstack-api-version$/,
  },
  {
    why: 'What is wrong with JSON is said by the parser, which is another',
    of: / · not JSON( · \d+)?$/,
    lines: /^[-+]\s+"detail": ".*\\n\\n Malformed JSON: .*",$/,
  },
  {
    why: 'Reshaping is for services alone in later releases',
    of: /^POST \/reshaper · /,
    lines:
      /^(?:[-+](?:400|403)|-\s+"(?:detail|status|title)": .*|\+\s+"detail": ".*Policy does not allow placement:reshaper:reshape to be performed\. {2}",|\+\s+"(?:status|title)": .*)$/,
  },
  {
    why: 'Tokens for the system do nothing here in later releases',
    of: / · system(?:Reader)?$/,
  },
  {
    why: 'Traits are in the order of the alphabet; upstream’s in none',
    of: /^GET \/(?:allocation_candidates|resource_providers\/\{provider\}\/traits)/,
    lines: /^[-+]\s+"(?:HW_CPU_X86_AVX|CUSTOM_DIFFERENTIAL)",?$/,
  },
  {
    why: 'Traits are in the order of the alphabet, and later releases know more',
    of: /^GET \/traits\?name=like:A · admin$/,
    lines: /^[-+]\s+"[A-Z0-9_]+",?$/,
  },
  {
    why: 'The tail of a long value is cut off in messages, so that nobody can fill a log; of two faults another is said',
    of: / · a long name( · \d+)?$/,
    lines: /^[-+]\s+"detail": ".*'x{100}/,
  },
  {
    why: 'Python says why a text is no number',
    of: /^GET \/ · admin · 5$/,
    lines: /^[-+]\s+"detail": ".*invalid version string: newest(?:; invalid literal.*)? {2}",$/,
  },
  {
    why: 'Of what may be null it is said what else it may be',
    of: /^POST \/resource_providers · parent_provider_uuid of another kind$/,
    lines: /^[-+]\s+"detail": ".*12345 is not .*",$/,
  },
  {
    why: 'A rest of the schema was left in the recording',
    of: /^PUT \/resource_providers\/\{provider\}\/aggregates · (?:without resource_provider_generation|an unknown attribute)$/,
    lines: /^[-+]\s+"(?:detail|request_id)": /,
  },
];
