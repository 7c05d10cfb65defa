"""Small source files of all languages, with what they log: line of the call, level and patterns."""

from __future__ import annotations

from logradar.core.tables import DEBUG, ERROR, FATAL, INFO, TRACE, WARN

PYTHON = """\
import logging
log = logging.getLogger(__name__)
MSG = "constant text %s"
access = get_logger("x.y")
def warn_user(msg, *args):
    log.warning(msg, *args)
class A:
    def f(self, n):
        log.info("took %d ms for %s", n, self)
        log.error(f"bad {n!r} value {n:d} here")
        log.debug("a" "b %s" % n)
        log.info("x {} y".format(n))
        log.info(MSG, n)
        text = "local %d" % n
        log.warning(text + " end")
        self.access.critical(
            "multi line %s",
            n,
        )
        warn_user("wrapped %s text", 3)
        log.log(logging.ERROR, "level arg %s", n)
        log.info("yes please" if n else "no way")
        print("hello", n)
        n.append("no log %d" % n)
        log.info("progress 100% done")
        log.info(f"{{literal}} brace {n}")
"""
PYTHON_SAYS = [
    (9, INFO, ["took <*> ms for <*>"]),
    (10, ERROR, ["bad <*> value <*> here"]),
    (11, DEBUG, ["ab <*>"]),
    (12, INFO, ["x <*> y"]),
    (13, INFO, ["constant text <*>"]),
    (15, WARN, ["local <*> end"]),
    (16, FATAL, ["multi line <*>"]),
    (20, WARN, ["wrapped <*> text"]),
    (21, ERROR, ["level arg <*>"]),
    (22, INFO, ["yes please", "no way"]),
    (23, None, ["hello <*>"]),
    (25, INFO, ["progress 100% done"]),
    (26, INFO, ["{literal} brace <*>"]),
]
JAVA = '''\
public class A {
  private static final String PRE = "prefix ";
  private static final Logger LOG = LoggerFactory.getLogger(A.class);
  void f(int n) {
    LOG.info("took {} ms for {}", n, this);
    LOG.error("bad " + n + " value " +
        x.y() + " here", e);
    LOG.warn(String.format("fmt %d of %s", n, n));
    LOG.info(PRE + n);
    LOG.atInfo().setCause(e).log("fluent {}", n);
    logger.log(Level.SEVERE, "jul {0} text", n);
    System.out.println("out " + n);
    String msg = "local " + n;
    msg += " more";
    LOG.info(msg, e);
    LOG.debug(n > 1 ? "many things" : "one thing");
    LOG.info(new StringBuilder("built ").append(n).append(" end").toString());
    LOG.info("""
       text block {}
       more""", n);
    LOG.info(() -> "lambda text " + n);
    list.add("no log " + n);
    LOG.info("x {}% done", n);
  }
}
'''
JAVA_SAYS = [
    (5, INFO, ["took <*> ms for <*>"]),
    (6, ERROR, ["bad <*> value <*> here"]),
    (8, WARN, ["fmt <*> of <*>"]),
    (9, INFO, ["prefix <*>"]),
    (10, INFO, ["fluent <*>"]),
    (11, ERROR, ["jul <*> text"]),
    (12, None, ["out <*>"]),
    (15, INFO, ["local <*>"]),
    (16, DEBUG, ["many things", "one thing"]),
    (17, INFO, ["built <*> end"]),
    (18, INFO, ["text block <*>"]),
    (21, INFO, ["lambda text <*>"]),
    (23, INFO, ["x <*>% done"]),
]
KOTLIN = """\
class A {
  private val logger = KotlinLogging.logger {}
  fun f(n: Int) {
    logger.info { "kotlin $n and ${n.x} here" }
    logger.warn("plain {} text", n)
    log.error("joined " + n + " text", e)
  }
}
"""
KOTLIN_SAYS = [
    (4, INFO, ["kotlin <*> and <*> here"]),
    (5, WARN, ["plain <*> text"]),
    (6, ERROR, ["joined <*> text"]),
]
SCALA = '''\
class Log(dir: File) extends Logging {
  private val name = "abc"
  def f(x: Int): Unit = {
    info(s"Found $x and ${x + 1} here")
    warn("plain " + x + " text")
    logger.error(f"took $x%.1f ms for $$5", e)
    debug("""multi
      |line""".stripMargin)
    logger.info("Hello {} there", x)
    if (x > 1) error("Error while %s".format(x), e)
    else trace(s"nothing")
    items.info = "no log"
  }
}
'''
SCALA_SAYS = [
    (4, INFO, ["Found <*> and <*> here"]),
    (5, WARN, ["plain <*> text"]),
    (6, ERROR, ["took <*> ms for $5"]),
    (7, DEBUG, ["multi"]),
    (9, INFO, ["Hello <*> there"]),
    (10, ERROR, ["Error while <*>"]),
    (11, TRACE, ["nothing"]),
]
GO = """\
package main
const msg = "const msg text"
func (s *Server) f(n int) {
	log.Printf("took %d ms for %s", n, s)
	log.Println("a thing", n, "done")
	logger.Info("zap message here", zap.Int("n", n))
	s.log.WithField("a", 1).Warnf("logrus %v text", n)
	slog.Error("slog message", "err", err)
	level.Info(logger).Log("msg", "go kit text", "n", n)
	log.Fatal(msg)
	log.Fatal("cannot bind: ", err)
	l.Debugln(s, "resetting to", n)
	fmt.Fprintln(w, "written text", n)
	level.Warn(logger).Log("name", n, "msg", "late text of go kit", "err", err)
	level.Info(logger).Log("build_context", n, "tags", n)
}
"""
GO_SAYS = [
    (4, None, ["took <*> ms for <*>"]),
    (5, None, ["a thing <*> done"]),
    (6, INFO, ["zap message here"]),
    (7, WARN, ["logrus <*> text"]),
    (8, ERROR, ["slog message"]),
    (9, INFO, ["go kit text"]),
    (10, FATAL, ["const msg text"]),
    (11, FATAL, ["cannot bind: <*>"]),
    (12, DEBUG, ["<*> resetting to <*>"]),
    (13, None, ["written text <*>"]),
    (14, WARN, ["late text of go kit"]),
    (15, INFO, ["build_context=<*> tags=<*>"]),
]
JAVASCRIPT = """\
const lg = pino();
class A {
  f(n) {
    logger.info(`tmpl ${n} text`);
    console.error("error: " + n + " text");
    lg.warn({n}, "pino %s text", n);
    this.logger.debug("plain text here");
  }
}
const g = (x) => { console.log("arrow text", x); }
function h(n) {
  log.info("using", "npm@%s", n);
  log.silly("config", n);
  log.http("fetch", `${n} done`);
}
"""
JAVASCRIPT_SAYS = [
    (4, INFO, ["tmpl <*> text"]),
    (5, ERROR, ["error: <*> text"]),
    (6, WARN, ["pino <*> text"]),
    (7, DEBUG, ["plain text here"]),
    (10, None, ["arrow text <*>"]),
    (12, INFO, ["using", "using npm@<*>"]),
    (13, TRACE, ["config", "config <*>"]),
    (14, None, ["fetch", "fetch <*> done"]),
]
C = """\
#define FMT "macro %s text"
static void my_log(int level, const char *fmt, ...) { vlog(level, fmt, ap); }
int f(struct x *p, int n) {
  ngx_log_error(NGX_LOG_ERR, log, 0, "nginx %V text %ui", &n, n);
  serverLog(LL_WARNING, "redis %s text", x);
  ereport(ERROR, (errcode(E), errmsg("pg \\"%s\\" text %u", x, n)));
  fprintf(stderr, "out %d " "joined\\n", n);
  my_log(1, FMT, n);
  syslog(LOG_INFO, "syslog text %" PRIu64 " end", n);
  snprintf(buf, 10, "no log %d text", n);
  Debug("http", "no answer of %s", x);
}
"""
C_SAYS = [
    (4, ERROR, ["nginx <*> text <*>"]),
    (5, WARN, ["redis <*> text"]),
    (6, ERROR, ['pg "<*>" text <*>']),
    (7, None, ["out <*> joined"]),
    (8, None, ["macro <*> text"]),
    (9, INFO, ["syslog text <*> end"]),
    (11, DEBUG, ["no answer of <*>"]),
]
CPP = """\
class A { void f(int n) {
  LOG(INFO) << "glog text " << n << " end";
  spdlog::info("spd {} text", n);
  logger->warn("member {} text", n);
  std::cerr << "cerr text " << n << std::endl;
} };
"""
CPP_SAYS = [
    (2, INFO, ["glog text <*> end"]),
    (3, INFO, ["spd <*> text"]),
    (4, WARN, ["member <*> text"]),
    (5, None, ["cerr text <*>"]),
]
CSHARP = """\
class A {
  void F(int n) {
    _logger.LogInformation("cs {User} text {N}", n, n);
    Log.Warning($"interp {n} text");
    Console.WriteLine("console {0} text", n);
    _logger.Log(LogLevel.Error, "level {X} text", n);
  }
}
"""
CSHARP_SAYS = [
    (3, INFO, ["cs <*> text <*>"]),
    (4, WARN, ["interp <*> text"]),
    (5, None, ["console <*> text"]),
    (6, ERROR, ["level <*> text"]),
]
RUST = """\
impl S {
  fn f(&self, n: u32) {
    info!("rust {} text {n:?}", n);
    log::warn!("warn text {}", n);
    tracing::error!(user = %n, "structured {} text", n);
    debug!(target: "x", "target text {}", n);
    println!("out {}", n);
  }
}
"""
RUST_SAYS = [
    (3, INFO, ["rust <*> text <*>"]),
    (4, WARN, ["warn text <*>"]),
    (5, ERROR, ["structured <*> text"]),
    (6, DEBUG, ["target text <*>"]),
    (7, None, ["out <*>"]),
]
SAMPLES = {
    "a.py": (PYTHON, PYTHON_SAYS),
    "A.java": (JAVA, JAVA_SAYS),
    "a.kt": (KOTLIN, KOTLIN_SAYS),
    "a.scala": (SCALA, SCALA_SAYS),
    "a.go": (GO, GO_SAYS),
    "a.js": (JAVASCRIPT, JAVASCRIPT_SAYS),
    "a.ts": (JAVASCRIPT.replace("(n)", "(n: number)", 1), JAVASCRIPT_SAYS),
    "a.tsx": (JAVASCRIPT, JAVASCRIPT_SAYS),
    "a.c": (C, C_SAYS),
    "a.cpp": (CPP, CPP_SAYS),
    "a.cs": (CSHARP, CSHARP_SAYS),
    "a.rs": (RUST, RUST_SAYS),
}
