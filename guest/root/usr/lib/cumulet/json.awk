# Prints a JSON document as lines of `path<TAB>value`: {"a":[{"b":"c"}]} gives `/a/0/b<TAB>c`.
# Line ends within strings stay escaped (\n), so a value is always one line.
function fail(why) { print "json: " why > "/dev/stderr"; exit 1 }
function space() { while (substr(text, at, 1) ~ /[ \t\r\n]/ && at <= size) at++ }
function string(   out, c) {
  out = ""; at++
  while (at <= size) {
    c = substr(text, at, 1)
    if (c == "\"") { at++; return out }
    if (c == "\\") {
      c = substr(text, ++at, 1)
      if (c == "u") {
        # Names and keys are ASCII; what is not stays as it was written.
        code = "\\u" substr(text, at + 1, 4); at += 5
        out = out (code == "\\u002f" ? "/" : code == "\\u0026" ? "&" : code)
        continue
      }
      out = out (c == "n" || c == "r" || c == "t" ? "\\" c : c); at++
      continue
    }
    out = out c; at++
  }
  fail("unended string")
}
function value(path,   c, index_, key, start) {
  space(); c = substr(text, at, 1)
  if (c == "{") {
    at++; space()
    if (substr(text, at, 1) == "}") { at++; return }
    while (1) {
      space(); if (substr(text, at, 1) != "\"") fail("no name at " at)
      key = string(); space()
      if (substr(text, at++, 1) != ":") fail("no colon at " at)
      value(path "/" key); space()
      c = substr(text, at++, 1)
      if (c == "}") return
      if (c != ",") fail("no comma at " at)
    }
  }
  if (c == "[") {
    at++; space(); index_ = 0
    if (substr(text, at, 1) == "]") { at++; return }
    while (1) {
      value(path "/" index_++); space()
      c = substr(text, at++, 1)
      if (c == "]") return
      if (c != ",") fail("no comma at " at)
    }
  }
  if (c == "\"") { print path "\t" string(); return }
  start = at
  while (at <= size && substr(text, at, 1) ~ /[-+.0-9A-Za-z]/) at++
  if (at == start) fail("no value at " at)
  print path "\t" substr(text, start, at - start)
}
{ text = text $0 "\n" }
END { size = length(text); at = 1; value("") }
