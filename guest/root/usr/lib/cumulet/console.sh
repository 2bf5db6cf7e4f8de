# say: one line on both consoles, so that the console log and a screenshot tell the same.
say() {
  echo "$*"
  echo "$*" > /dev/tty1
}
