#!/bin/sh
# Builds switchyard_VERSION_ARCH.deb with dpkg-deb: run in a checkout after "npm ci".
#
#   examples/deploy/debian/build.sh [--with-node] [OUTPUT-FOLDER]
#
# The package depends on nodejs (>= 20.19), as Debian 13 has it. --with-node puts the Node.js of this machine into the package
# instead, for systems whose nodejs is older.
set -eu

with_node=no
if [ "${1:-}" = --with-node ]; then
  with_node=yes
  shift
fi
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
out=$(mkdir -p "${1:-$root}" && cd "${1:-$root}" && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cd "$root"

version=$(node -p "require('./package.json').version")
arch=$(dpkg --print-architecture)
lib=$stage/usr/lib/switchyard
[ -f dist/main.js ] || npm run build

# The program, and of the packages those that run with it.
install -d "$lib" "$stage/usr/bin" "$stage/DEBIAN"
cp -r dist schemas package.json "$lib/"
find "$lib/dist" -name '*.map' -delete
npm ls --all --omit=dev --parseable 2>/dev/null | sed -n "s|^$root/||p" | while read -r package; do
  case $package in */node_modules/*) continue ;; esac
  install -d "$lib/$(dirname "$package")"
  cp -r "$package" "$lib/$package"
done
rm -rf "$lib/node_modules/.bin" "$lib/node_modules/.cache"

node=/usr/bin/node
if [ "$with_node" = yes ]; then
  install -D -m 755 "$(readlink -f "$(command -v node)")" "$lib/bin/node"
  node=/usr/lib/switchyard/bin/node
fi
cat > "$stage/usr/bin/switchyard" <<EOF
#!/bin/sh
exec $node /usr/lib/switchyard/dist/main.js "\$@"
EOF
chmod 755 "$stage/usr/bin/switchyard"

# Manual page, completion, unit, settings, documents.
run() { node dist/main.js "$@"; }
install -d "$stage/usr/share/man/man8" "$stage/usr/share/doc/switchyard"
run man | gzip -9n > "$stage/usr/share/man/man8/switchyard.8.gz"
complete() {
  install -d "$(dirname "$stage/usr/share/$2")"
  run completion "$1" > "$stage/usr/share/$2"
}
complete bash bash-completion/completions/switchyard
complete zsh zsh/vendor-completions/_switchyard
complete fish fish/vendor_completions.d/switchyard.fish
install -D -m 644 examples/deploy/switchyard.service "$stage/lib/systemd/system/switchyard.service"
sed -i -e '1,/^\[Unit\]/{/^#/d}' -e 's|/usr/bin/node /opt/switchyard/dist/main.js|/usr/bin/switchyard|' \
  "$stage/lib/systemd/system/switchyard.service"
install -D -m 640 "$here/settings.jsonc" "$stage/etc/switchyard/switchyard.json"
install -d -m 750 "$stage/etc/switchyard/partitions"
gzip -9nc CHANGELOG.md > "$stage/usr/share/doc/switchyard/changelog.gz"
install -m 644 LICENSE "$stage/usr/share/doc/switchyard/copyright"
install -m 644 README.md "$stage/usr/share/doc/switchyard/README.md"

# Whoever builds: files are root's, and readable.
chmod -R u=rwX,go=rX "$lib"
for script in postinst prerm postrm; do install -m 755 "$here/$script" "$stage/DEBIAN/$script"; done
printf '/etc/switchyard/switchyard.json\n' > "$stage/DEBIAN/conffiles"
depends='nodejs (>= 20.19), adduser'
[ "$with_node" = no ] || depends='adduser, libc6 (>= 2.28), libstdc++6'
size=$(du -sk --exclude=DEBIAN "$stage" | cut -f1)
sed -e "s|@VERSION@|$version|" -e "s|@ARCH@|$arch|" -e "s|@DEPENDS@|$depends|" -e "s|@SIZE@|$size|" \
  "$here/control.in" > "$stage/DEBIAN/control"
dpkg-deb --root-owner-group -Zgzip -z"${DEB_LEVEL:-6}" --build "$stage" "$out/switchyard_${version}_${arch}.deb"
