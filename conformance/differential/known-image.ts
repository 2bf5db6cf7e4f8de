import type { Known } from './known.ts';

/** What an error's body is made of, so that a case of which only the error differs can be told. */
const anError = String.raw`[-+](?:\d{3}|(?:content-type|allow): .*|[{}]?|\s*"(?:code|message|title)": .*)`;

export const knownOfImage: readonly Known[] = [
  {
    why: 'Every answer says its request’s id, refusals and versions too',
    of: / · nobody( · \d+)?$/,
    lines: /^\+x-openstack-request-id: req-<id>$/,
  },
  {
    why: 'An answer without a body has no type of content',
    of: /^(?:PUT|POST|DELETE) /,
    lines: /^-content-type: text\/html; charset=utf-8$/,
  },
  {
    why: 'HEAD is answered where GET is, as HTTP has it',
    of: /^(?:HEAD \/v2\/images\/\{image\} · member|PUT \/v2\/images · admin)$/,
    lines: /^[-+](?:405|200|allow: .*|content-type: .*)$/,
  },
  {
    why: 'Tags are kept in their order; Glance’s are a set',
    of: /\/v2\/images/,
    lines: /^[-+]\s+"[ab]",?$/,
  },
  {
    why: 'A cloud has the stores that it was given, and later releases say their weight',
    of: /^GET \/v2\/info\/stores/,
  },
  {
    why: 'Debian’s Zed has no cache of images',
    of: /^(?:GET|PUT|DELETE) \/v2\/cache.* · (?:admin|again)$/,
    lines: new RegExp(String.raw`^(?:${anError}|\+\s+"(?:cached|queued)_images": \[\],?)$`),
  },
  {
    why: 'Who may not look after the cache is told so, whatever image it names',
    of: /^(?:PUT|DELETE) \/v2\/cache\/\{image\} · stranger$/,
    lines: new RegExp(`^${anError}$`),
  },
  {
    why: 'Later releases have this operation',
    of: /^(?:POST \/v2\/cache\/(?:clean|prune)|GET \/v2\/images\/\{image\}\/locations) · admin$/,
  },
  {
    why: 'Later releases have this type of task',
    of: /^(?:GET \/v2\/schemas\/tasks?|POST \/v2\/tasks) · (?:admin( · 2)?|type .*)$/,
    lines: /^[-+]\s+"(?:api_image_import|location_import|message)".*$/,
  },
  {
    why: 'Schemas describe in words of our own',
    of: /^GET \/v2\/schemas\//,
    lines: /^[-+]\s+"description": ".*",$/,
  },
  {
    why: 'Glance dies of it',
    of: /^(?:(?:POST|PUT) \/v2\/(?:images|metadefs).* · (?:a list|an empty object|without tags)|DELETE \/v2\/cache\/\{image\} · no such image)$/,
    lines: new RegExp(`^(?:-500|-.*Internal Server Error.*|-.*The server has either erred.*|\\+.*)$`),
  },
  {
    why: 'The tail of a long value is cut off in messages, so that nobody can fill a log',
    of: / · (?:a long name|member · 10)$/,
    lines: /^[-+]\s*"message": ".*'x{100}/,
  },
  {
    why: 'A member of an image is a project, whose id is a text: Glance shares the image with a number',
    of: /^POST \/v2\/images\/\{image\}\/members · member of another kind$/,
  },
  {
    why: 'A member of an image is a project, whose id is a text: Glance shares the image with a number',
    of: /^GET \/v2\/images\/\{image\}\/members · /,
    lines: /^-(?:\s+"(?:member_id|schema|status|updated_at|created_at|image_id)": ".*",?|\s+[{}],?)$/,
  },
  {
    why: 'What is described by no name could be reached by no path',
    of: /^(?:POST|PUT) \/v2\/metadefs\/.* · an empty name$/,
  },
  {
    why: 'What is described by no name could be reached by no path',
    of: /^GET \/v2\/metadefs\/namespaces\/\{tag\}-ns.* · admin$/,
    lines:
      /^-\s+(?:"": \{|"(?:name|title|type|prefix|schema|self|updated_at|created_at|description)": ".*",?|"(?:properties|size)": \{|"enum": \[|"required": \[\],|"(?:slow|fast)",?|[\]{}]+,?)$/,
  },
  {
    why: 'Clouds know the types of resources that their namespaces brought',
    of: /^GET \/v2\/metadefs\/resource_types · admin$/,
  },
  {
    why: 'Glance’s times are whole seconds: of images made in the same one any may be the newest',
    of: /^GET \/v2\/images\?owner=\{project\}&limit=1 · member$/,
  },
  {
    why: 'The link to the first page has all that was asked for',
    of: /^GET \/v2\/images\?owner=\{project\}&tag=a&tag=b · member$/,
    lines: /^[-+]\s"first": /,
  },
  {
    why: 'A range that cannot be had is answered with how much there is, as HTTP has it',
    of: /^GET \/v2\/images\/\{image\}\/file · member · 4$/,
    lines: /^\+content-range: bytes \*\/3$/,
  },
];
