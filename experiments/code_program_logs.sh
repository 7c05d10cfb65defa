#!/usr/bin/env bash
# Logs of real programs that name the place of each of their log calls, for experiments/code_programs.py.
#
#     experiments/code_program_logs.sh FOLDER [PROGRAM ...]
#
# Debian's etcd-server, etcd-client, prometheus, syncthing, rocksdb-tools, trafficserver and gstreamer1.0-tools are run, and
# npm as Node brings it, and PostgreSQL where SOURCES has its source package; a program that is not here is left out. All of them listen on loopback only and end by themselves.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
wanted=${*:-etcd prometheus syncthing rocksdb trafficserver gstreamer npm python postgresql}
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT

# Go, zap: three nodes, of which one is killed and comes back.
etcd_node() {
  ETCD_UNSUPPORTED_ARCH=$(uname -m) timeout 60 etcd --name "n$1" --data-dir "$work/etcd$1" --logger zap --log-level debug --log-outputs stderr \
    --listen-client-urls "http://127.0.0.1:2$1379" --advertise-client-urls "http://127.0.0.1:2$1379" \
    --listen-peer-urls "http://127.0.0.1:2$1380" --initial-advertise-peer-urls "http://127.0.0.1:2$1380" --snapshot-count 500 \
    --auto-compaction-mode revision --auto-compaction-retention 100 \
    --initial-cluster n1=http://127.0.0.1:21380,n2=http://127.0.0.1:22380,n3=http://127.0.0.1:23380 2>> "$out/etcd.log"
}
run_etcd() {
  export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=http://127.0.0.1:21379
  etcd_node 1 & etcd_node 2 & etcd_node 3 & third=$!
  sleep 5
  for number in $(seq 150); do etcdctl put "key$((number % 20))" "value $number"; done
  etcdctl member list; etcdctl endpoint status; etcdctl lease grant 2; etcdctl compact 50; etcdctl defrag
  etcdctl user add root:secret; etcdctl role add reader; etcdctl auth enable; etcdctl --user root:wrong get key1; etcdctl --user root:secret auth disable
  pkill -P $third -x etcd; etcdctl get key1; sleep 3
  for number in $(seq 600); do etcdctl put "late$((number % 20))" "value $number"; done
  etcd_node 3 & sleep 5
  etcdctl move-leader 1; etcdctl member remove 1; etcdctl snapshot save "$work/snapshot.db"; etcdctl alarm list; curl -s http://127.0.0.1:21379/nothing
  pkill -P "$(jobs -p | tr '\n' ',' | sed 's/,$//')" -x etcd; sleep 3
}

# Go, go-kit: rules, a target that is there and one that is not, a reload with a mistake.
run_prometheus() {
  cat > "$work/prometheus.yml" <<-YAML
	global: {scrape_interval: 1s, evaluation_interval: 1s}
	rule_files: ["$work/rules.yml"]
	alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:1"]}]}]}
	remote_write: [{url: "http://127.0.0.1:1/write"}]
	scrape_configs:
	  - {job_name: own, static_configs: [{targets: ["127.0.0.1:29090"]}]}
	  - {job_name: gone, static_configs: [{targets: ["127.0.0.1:1"]}]}
	  - {job_name: files, file_sd_configs: [{files: ["$work/targets/*.json"]}]}
	YAML
  echo 'groups: [{name: g, rules: [{alert: Down, expr: up == 0}, {record: r, expr: sum(up)}, {record: r, expr: up * on() up}]}]' > "$work/rules.yml"
  mkdir -p "$work/targets"; echo '[{"targets": ["127.0.0.1:2"]}' > "$work/targets/broken.json"
  timeout 60 prometheus --config.file "$work/prometheus.yml" --storage.tsdb.path "$work/prometheus" --log.level debug --web.enable-lifecycle \
    --web.enable-admin-api --storage.tsdb.min-block-duration 5s --storage.tsdb.max-block-duration 20s --web.listen-address 127.0.0.1:29090 2>> "$out/prometheus.log" &
  sleep 20
  curl -s -XPOST http://127.0.0.1:29090/api/v1/admin/tsdb/snapshot
  curl -s -XPOST -g 'http://127.0.0.1:29090/api/v1/admin/tsdb/delete_series?match[]=up'; curl -s -XPOST http://127.0.0.1:29090/api/v1/admin/tsdb/clean_tombstones
  echo 'nonsense: [' > "$work/prometheus.yml"; curl -s -XPOST http://127.0.0.1:29090/-/reload; sleep 2
  curl -s -XPOST http://127.0.0.1:29090/-/quit; sleep 3
}

# Go, a logger of its own: two devices that share a folder.
run_syncthing() {
  for device in 1 2; do
    syncthing generate --home "$work/device$device" --no-default-folder > "$work/id$device" 2>&1
    sed -i -e "s|127.0.0.1:8384|127.0.0.1:2838$device|; s|<listenAddress>default|<listenAddress>tcp://127.0.0.1:2200$device|" \
      -e 's|<globalAnnounceEnabled>true|<globalAnnounceEnabled>false|; s|<relaysEnabled>true|<relaysEnabled>false|; s|<localAnnounceEnabled>true|<localAnnounceEnabled>false|' \
      -e 's|<urAccepted>0|<urAccepted>-1|; s|<natEnabled>true|<natEnabled>false|; s|<crashReportingEnabled>true|<crashReportingEnabled>false|' "$work/device$device/config.xml"
  done
  for device in 1 2; do
    STNOUPGRADE=1 STTRACE=all timeout 50 syncthing serve --home "$work/device$device" --no-browser --no-restart --logflags 15 >> "$out/syncthing.log" 2>&1 &
  done
  sleep 6
  one=$(syncthing --home "$work/device1" --device-id); two=$(syncthing --home "$work/device2" --device-id)
  mkdir -p "$work/shared1" "$work/shared2"; for number in $(seq 40); do head -c 20000 /dev/urandom > "$work/shared1/file$number"; done
  syncthing cli --home "$work/device1" config devices add --device-id "$two" --addresses tcp://127.0.0.1:22002
  syncthing cli --home "$work/device2" config devices add --device-id "$one" --addresses tcp://127.0.0.1:22001
  for device in 1 2; do
    other=$([ $device = 1 ] && echo "$two" || echo "$one")
    syncthing cli --home "$work/device$device" config folders add --id shared --path "$work/shared$device"
    syncthing cli --home "$work/device$device" config folders shared devices add --device-id "$other"
  done
  sleep 20
  rm "$work/shared1/file1"; echo new > "$work/shared2/file2"; chmod 000 "$work/shared1/file3"
  sleep 15
  for device in 1 2; do syncthing cli --home "$work/device$device" operations shutdown; done
  sleep 3
}

# C++: its own benchmark, and repairs of what it wrote.
run_rocksdb() {
  db_bench --db="$work/rocksdb" --benchmarks=fillrandom,overwrite,readrandom,compact,deleterandom --num=200000 --value_size=100 \
    --write_buffer_size=1048576 --max_background_jobs=2 --statistics --stats_dump_period_sec=2 > "$work/bench" 2>&1
  cat "$work"/rocksdb/LOG* >> "$out/rocksdb.log"
  rm "$(ls "$work"/rocksdb/*.sst | head -1)"
  ldb --db="$work/rocksdb" get x; ldb --db="$work/rocksdb" repair; ldb --db="$work/rocksdb" compact
  cat "$work"/rocksdb/LOG* >> "$out/rocksdb.log"
}

# C++: a proxy in front of a server that answers, and of one that does not.
run_trafficserver() {
  mkdir -p "$work"/ts/{cache,log,run,conf}; cp -r /etc/trafficserver/. "$work/ts/conf/"
  echo "$work/ts/cache 64M" > "$work/ts/conf/storage.config"
  printf 'map http://127.0.0.1:28080/gone/ http://127.0.0.1:1/\nmap http://127.0.0.1:28080/ http://127.0.0.1:28081/\nbroken line\n' > "$work/ts/conf/remap.config"
  cat > "$work/ts/runroot.yaml" <<-YAML
	prefix: /usr
	bindir: /usr/bin
	sbindir: /usr/sbin
	sysconfdir: $work/ts/conf
	datadir: /usr/share/trafficserver
	libexecdir: $(dirname "$(find /usr/lib -path '*trafficserver*' -name '*.so' | head -1)")
	localstatedir: $work/ts
	runtimedir: $work/ts/run
	logdir: $work/ts/log
	cachedir: $work/ts/cache
	YAML
  cat >> "$work/ts/conf/records.config" <<-CONFIG
	CONFIG proxy.config.http.server_ports STRING 28080:ip-in=127.0.0.1
	CONFIG proxy.config.diags.debug.enabled INT 1
	CONFIG proxy.config.diags.debug.tags STRING .*
	CONFIG proxy.config.diags.show_location INT 1
	CONFIG proxy.config.admin.user_id STRING #-1
	CONFIG proxy.config.exec_thread.autoconfig INT 0
	CONFIG proxy.config.exec_thread.limit INT 1
	CONFIG proxy.config.http.cache.required_headers INT 0
	CONFIG proxy.config.url_remap.remap_required INT 0
	CONFIG
  sed -i '$!b' "$work/ts/conf/remap.config"; chmod -R a+rwX "$work"
  mkdir -p "$work/site"; for number in $(seq 20); do echo "page $number" > "$work/site/$number.html"; done
  (cd "$work/site" && timeout 45 python3 -m http.server 28081 --bind 127.0.0.1 > /dev/null 2>&1) &
  timeout 40 traffic_server --run-root="$work/ts/runroot.yaml" > "$work/ts.log" 2>&1 &
  sleep 8
  for number in $(seq 60); do curl -s -o /dev/null "http://127.0.0.1:28080/$((number % 25)).html"; done
  curl -s -o /dev/null http://127.0.0.1:28080/gone/x; curl -s -o /dev/null -XPOST -d data http://127.0.0.1:28080/1.html
  curl -s -o /dev/null -H 'Range: bytes=0-2' http://127.0.0.1:28080/2.html; printf 'NONSENSE\r\n\r\n' | timeout 2 nc 127.0.0.1 28080
  sleep 3
  head -c 40000000 "$work/ts.log" >> "$out/trafficserver.log"; cat "$work"/ts/log/*.log "$work"/ts/log/*.out 2>/dev/null | head -c 20000000 >> "$out/trafficserver.log"
}

# C: pipelines that work, and some that do not.
run_gstreamer() {
  export GST_DEBUG=6 GST_DEBUG_NO_COLOR=1 GST_REGISTRY="$work/registry.bin" GST_DEBUG_FILE="$work/gst.log"
  for pipeline in "videotestsrc num-buffers=20 ! videoconvert ! videoscale ! video/x-raw,width=64 ! fakesink" \
    "audiotestsrc num-buffers=20 ! audioconvert ! audioresample ! queue ! fakesink sync=true" "filesrc location=/nowhere ! fakesink" \
    "filesrc location=/etc/passwd ! decodebin ! fakesink" "fakesrc num-buffers=5 ! tee name=t t. ! queue ! fakesink t. ! multiqueue ! fakesink" \
    "videotestsrc num-buffers=5 ! audioconvert ! fakesink" "nothing ! fakesink" "funnel name=f ! fakesink fakesrc num-buffers=3 ! f. fakesrc num-buffers=3 ! f."; do
    timeout 20 gst-launch-1.0 $pipeline > /dev/null 2>&1
    cat "$work/gst.log" >> "$out/gstreamer.log"; rm -f "$work/gst.log"
  done
}

# C: some of its own regression tests, from SOURCES/postgresql-*, in the order of their names.
run_postgresql() {
  bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
  tests=$(ls -d "${SOURCES:-.}"/postgresql-*/src/test/regress/sql | head -1)
  mkdir -p "$work/pg" "$work/sql"; cp "$tests"/*.sql "$work/sql"; chmod -R a+rwX "$work"
  as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid nobody --regid nogroup --clear-groups "$@"; else "$@"; fi; }
  as "$bin/initdb" -D "$work/pg/data" -U tester -A trust
  as timeout 300 "$bin/postgres" -D "$work/pg/data" -k "$work/pg" -c listen_addresses= -c log_error_verbosity=verbose -c log_min_messages=debug1 \
    -c log_line_prefix='%m [%p] ' -c checkpoint_timeout=30s -c log_checkpoints=on -c log_connections=on -c log_disconnections=on -c log_lock_waits=on 2>> "$out/postgresql.log" &
  sleep 4
  for name in test_setup boolean char int4 int8 float8 numeric text date timestamp arrays create_table create_index insert select join union aggregates transactions \
    triggers plpgsql alter_table rules privileges security_label sequence copy constraints inherit json xml vacuum window; do
    psql -h "$work/pg" -U tester -d postgres -f "$work/sql/$name.sql" > /dev/null 2>&1
  done
  kill -INT "$(head -1 "$work/pg/data/postmaster.pid")"; sleep 4
}

# JavaScript: the place is the first function on the stack that is not of the logger.
run_npm() {
  mkdir -p "$work/npm" && cd "$work/npm" || return
  export NPM_PLACES="$out/npm.log" NODE_OPTIONS="--require $here/code_program_places.js" npm_config_cache="$work/npm-cache" npm_config_loglevel=silent
  npm init -y; npm install left-pad@1.3.0 chalk@4; npm install no-such-package-here-at-all; npm ls; npm ls missing; npm audit; npm outdated; npm dedupe
  npm pack; npm run nothing; npm config list; npm uninstall chalk; npm ci; npm view left-pad; npm cache verify; npm explain left-pad; npm exec -- nothing-of-the-kind; npm doctor
  unset NODE_OPTIONS; cd "$out" || return
  # A folder node_modules is not indexed; here it is the program itself.
  rm -rf npm-sources; cp -r "$(npm root -g)/npm" npm-sources; mv npm-sources/node_modules npm-sources/packages
  sed -i 's|/npm/node_modules/|/npm/packages/|' npm.log
}

# Python: a crawler on a small site, and a queue whose tasks fail, are tried again and expire.
run_python() {
  python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet --disable-pip-version-check scrapy celery || return
  mkdir -p "$work/hook" "$work/site" "$work/queue"
  cat > "$work/hook/sitecustomize.py" <<-'PYTHON'
	import logging, os
	handle = logging.Logger.handle
	def written(self, record):
	    text = record.getMessage().strip().partition("\n")[0]
	    with open(os.environ["PYTHON_PLACES"], "a") as file:
	        file.write(f"2026-05-03 10:00:00,000 {record.levelname} {record.name}: {text} @ {record.pathname}:{record.lineno}\n")
	    return handle(self, record)
	logging.Logger.handle = written
	PYTHON
  for number in $(seq 30); do echo "<a href='$((number + 1)).html'>next</a> <a href='/missing'>x</a> <a href='mailto:a@b'>m</a>" > "$work/site/$number.html"; done
  (cd "$work/site" && timeout 60 python3 -m http.server 28082 --bind 127.0.0.1 > /dev/null 2>&1) &
  cat > "$work/spider.py" <<-'PYTHON'
	import scrapy
	class Site(scrapy.Spider):
	    name, start_urls = "site", ["http://127.0.0.1:28082/1.html", "http://127.0.0.1:1/", "http://127.0.0.1:28082/1.html"]
	    custom_settings = {"RETRY_TIMES": 1, "CLOSESPIDER_PAGECOUNT": 40, "ROBOTSTXT_OBEY": True, "DUPEFILTER_DEBUG": True, "HTTPCACHE_ENABLED": True, "AUTOTHROTTLE_ENABLED": True, "AUTOTHROTTLE_DEBUG": True, "AUTOTHROTTLE_START_DELAY": 0.05}
	    def parse(self, response):
	        yield {"title": response.url}
	        if response.url.endswith("5.html"):
	            raise ValueError("page without a title")
	        for link in response.css("a::attr(href)").getall():
	            yield response.follow(link) if not link.startswith("mailto") else None
	PYTHON
  cat > "$work/tasks.py" <<-'PYTHON'
	import os, celery
	folder = os.environ["QUEUE"]
	app = celery.Celery("tasks", broker="filesystem://", backend=f"file://{folder}")
	app.conf.broker_transport_options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}
	@app.task(bind=True, max_retries=2, default_retry_delay=1)
	def work(self, number):
	    if number % 5 == 0:
	        raise ValueError("five")
	    if number % 7 == 0:
	        raise self.retry(exc=OSError("seven"))
	    return number
	PYTHON
  export PYTHON_PLACES="$out/python.log" PYTHONPATH="$work/hook:$work" QUEUE="$work/queue"
  cd "$work" || return
  timeout 60 "$work/venv/bin/scrapy" runspider spider.py
  "$work/venv/bin/python" -c "import tasks; [tasks.work.delay(n) for n in range(40)]; tasks.work.apply_async((1,), expires=-1); tasks.app.send_task('no.such.task')"
  timeout 15 "$work/venv/bin/celery" -A tasks worker --loglevel debug --pool solo --without-mingle --without-gossip
  "$work/venv/bin/celery" -A tasks worker --loglevel debug --pool prefork -c 1 & sleep 8; kill $! 2>/dev/null
  unset PYTHONPATH PYTHON_PLACES; cd "$out" || return
  rm -rf "$out/python-sources"; cp -r "$work"/venv/lib/python3*/site-packages "$out/python-sources"
}

for program in $wanted; do
  rm -f "$out/$program.log"
  "run_$program" > "$work/said" 2>&1 < /dev/null
  printf '%s: %s lines\n' "$program" "$(wc -l < "$out/$program.log" 2>/dev/null || echo no)"
done
