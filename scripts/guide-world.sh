#!/usr/bin/env bash
# Plays one guide of docs/guides for Tests/CommandTests/GuideTests.swift, as root, in one shell, in a world in which the
# guide's paths and names are real: places of this machine's are covered by ones that end with this script, and the
# names of the cluster lead to a sandbox, through TLS. usage, and never without the namespaces:
#   unshare --mount --propagation private --net --pid --fork --kill-child --mount-proc guide-world.sh STAGE REPOSITORY
#
# STAGE holds the program and, in steps/NUMBER, what the test has read out of the guide: `kind`, `text`, for files the
# `path`, and the `wanted` exit code. `output` and `code` are written beside them, up to the first code that differs.
# In a guide, standard input is what a person would paste: the management token.
set -euo pipefail

stage=$1
repository=$2
id=00000000-0000-4000-8000-000000000000
# Where what happens backstage finds the sandbox's own endpoints.
export SANDBOX=http://127.0.0.1:8086

cover_the_machine() {
  local place
  mkdir "$stage/etc" "$stage/clone"
  cp -a "$repository"/{README.md,CHANGELOG.md,CONTRIBUTING.md,SECURITY.md,LICENSE,Makefile,docs,jobs,cron,bench} \
    "$stage/clone"
  cp -a /etc/. "$stage/etc"
  mount --bind "$stage/etc" /etc
  for place in /usr/local /var/lib /var/log /home; do mount -t tmpfs -o mode=755 tmpfs "$place"; done
  mkdir -p /home/ops /usr/local/bin /etc/cron.d
  mv "$stage/clone" /home/ops/tokenrotate
  install -D -m 755 "$stage/program" /home/ops/tokenrotate/.build/release/tokenrotate
  rm -rf /etc/tokenrotate
  mkdir "$stage/bin"
  cat >"$stage/bin/sudo" <<'END'
#!/bin/sh
if [ "$1" = -u ]; then
  user=$2
  shift 2
  exec runuser -u "$user" -- "$@"
fi
exec "$@"
END
  chmod 755 "$stage/bin/sudo"
}

# A certificate for the names of the cluster, by an authority that this world trusts.
make_certificates() {
  cd "$stage"
  local new=(openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  "${new[@]}" -x509 -days 2 -subj /CN=guides -keyout ca.key -out ca.pem
  "${new[@]}" -subj /CN=cluster -keyout cluster.key -out cluster.csr
  echo "subjectAltName=DNS:console.influxdata.com,DNS:$id.a.influxdb.io" >san
  openssl x509 -req -in cluster.csr -CA ca.pem -CAkey ca.key -set_serial 1 -days 2 -extfile san -out cluster.pem
  mkdir -p /etc/ssl/certs
  cp ca.pem /etc/ssl/certs/ca-certificates.crt
  echo "127.0.0.1 localhost console.influxdata.com $id.a.influxdb.io" >/etc/hosts
}

wait_for() {
  local tries
  for ((tries = 0; tries < 200; tries++)); do
    [[ ! -e $1 ]] || return 0
    sleep 0.1
  done
  echo "there is no $1" >&2
  return 1
}

start_cluster() {
  ip link set lo up
  # As in the guides' profile of influxctl's.
  echo M.V1.management-token-of-the-account >"$stage/pasted"
  chmod 600 "$stage/pasted"
  "$stage/program" sandbox --listen 127.0.0.1:8086 --account-id "$id" --cluster-id "$id" --quiet \
    --management-token-file "$stage/pasted" --activation-delay 0s --activation-spread 0s \
    --database plant_line_1 --database plant_line_2 --database plant_line_3 --database plant_quality \
    --database weather --ready-file "$stage/ready" &
  wait_for "$stage/ready"
  python3 -c '
import selectors, socket, ssl, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cluster.pem", "cluster.key")
listener = socket.create_server(("127.0.0.1", 443), backlog=256)
open("front", "w").close()
def serve(raw):
    try: secure = context.wrap_socket(raw, server_side=True)
    except OSError: return
    plain = socket.create_connection(("127.0.0.1", 8086))
    selector = selectors.DefaultSelector()
    for end in secure, plain: selector.register(end, selectors.EVENT_READ)
    try:
        while True:
            for item, _ in selector.select():
                data = item.fileobj.recv(65536)
                if not data: return
                while item.fileobj is secure and secure.pending(): data += secure.recv(65536)
                (plain if item.fileobj is secure else secure).sendall(data)
    except OSError: pass
    finally:
        plain.close()
        secure.close()
while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()' &
  wait_for "$stage/front"
}

# Where a guide does not begin with the installation, the README's first steps are done.
install_program() {
  cd /home/ops/tokenrotate
  make install
  install -d -m 755 /etc/tokenrotate/jobs
  cp jobs/defaults.toml.example /etc/tokenrotate/defaults.toml
  install -m 600 "$stage/pasted" /etc/tokenrotate/management-token
}

# The only thing that is other than a reader's: short times, and one token after the other, so that each run is quick and
# tells tokens in the same order.
be_impatient() {
  local defaults=/etc/tokenrotate/defaults.toml
  [[ -e $defaults ]] && ! grep -q '^settle' $defaults || return 0
  printf '[activation]\nsettle = "1s"\ntimeout = "6s"\n[limits]\nconcurrency = 1\nrequest_timeout = "2s"\n' >>$defaults
}

# What goes on in the background has said what the guide shows, or has ended.
wait_for_lines() {
  local tries
  for ((tries = 0; tries < 200; tries++)); do
    (($(wc -l <"$1") < $2)) && kill -0 $! 2>/dev/null || return 0
    sleep 0.1
  done
}

umask 022
{
  cover_the_machine
  make_certificates
  start_cluster
  [[ -e $stage/installs ]] || install_program
  be_impatient
} >"$stage/world.log" 2>&1 </dev/null

export HOME=/home/ops LC_ALL=C.UTF-8 TZ=UTC
export PATH=$stage/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset XDG_CONFIG_HOME XDG_STATE_HOME CREDENTIALS_DIRECTORY STATE_DIRECTORY
cd /home/ops/tokenrotate
set +euo pipefail
guide_code=0
for guide_step in "$stage"/steps/*; do
  if [[ $(<"$guide_step/kind") == file ]]; then
    cp "$guide_step/text" "$(sed "s|^~|$HOME|" "$guide_step/path")" >"$guide_step/output" 2>&1
  else
    (exit $guide_code)
    # shellcheck disable=SC1091
    . "$guide_step/text" <"$stage/pasted" >"$guide_step/output" 2>&1
  fi
  guide_code=$?
  [[ ! -e $guide_step/lines ]] || wait_for_lines "$guide_step/output" "$(<"$guide_step/lines")"
  echo $guide_code >"$guide_step/code"
  [[ $guide_code == "$(<"$guide_step/wanted")" ]] || break
  be_impatient
  (exit $guide_code)
done
exit 0
