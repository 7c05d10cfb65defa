"""The rules of redaction as data: name, regex in Rust's syntax, and what takes the place of a match.

They are applied in order, each to the result of the one before. In a replacement ``${1}`` is what the first group of
the regex matched: the name before a password stays. What was changed is gone through again until nothing changes, as
two addresses may share the space between them. The order matters: a private key first, as it holds anything; a login
of a URL before an e-mail address, as ``user:password@host.example`` holds one.

The forms are those that vendors publish (prefixes of AWS, GitHub, GitLab, Slack, Google, Stripe and others), RFC 7519
(JWT), RFC 7468 (PEM), RFC 6750 (Bearer) and RFC 4291 (IPv6).
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Rule(NamedTuple):
    """What is replaced: all matches of ``regex`` by ``replacement``."""

    name: str
    regex: str
    replacement: str


_SEP: Final = r"""\\?["']?[ \t]{0,3}(?:=>|:=|[:=])[ \t]{0,3}"""  # between a name and its value
_KEY_END: Final = r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
_HEADER: Final = r"(?:\s|\\[rn])*(?:Proc-Type|DEK-Info|Version|Comment): ?[A-Za-z0-9,. -]*"

# A value in quotes, in quotes of JSON inside JSON, or up to the next space. Groups 2 to 4 are the quotes.
_VALUE: Final = (
    r"""(?:(")(?:[^"\\\r\n]|\\.)+|(\\")[^"\\\r\n]+|(')(?:[^'\\\r\n]|\\.)+"""
    r"""|(?:[^\s"'&;»\\]|\\[^\s"'»])+)"""
)
_SECRETS: Final = (
    "pass(?:word|wd|phrase|code)|secret|api[_-]?key|access[_-]?key(?:[_-]?id)?|secret[_-]?key|private[_-]?key"
    "|account[_-]?key|encryption[_-]?key|signing[_-]?key"
    "|(?:access|auth|refresh|id|session|csrf|xsrf|api|client|device)[_-]?token"
)
_COOKIES: Final = (
    r"jsessionid|phpsessid|asp\.net_sessionid|connect\.sid|laravel_session|_session_id|aspsessionid[a-z]{8}"
    "|sessionid|sessid"
)

_VENDORS: Final = (
    r"\b(?:AKIA|ASIA|AIDA|AROA|AGPA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{16}\b",  # Amazon
    r"\bgh[pousr]_[A-Za-z0-9]{36,}",  # GitHub
    r"\bgithub_pat_[A-Za-z0-9_]{22,}",
    r"\bgl(?:pat|dt|rt|oas|cbt|ptt|ft|soat|imt|agent)-[A-Za-z0-9_-]{20,}",  # GitLab
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"\bxapp-[0-9]-[A-Za-z0-9-]{10,}",
    r"\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/]{16,}",
    r"\bAIza[A-Za-z0-9_-]{35}",  # Google
    r"\bya29\.[A-Za-z0-9_-]{20,}",
    r"\bGOCSPX-[A-Za-z0-9_-]{20,}",
    r"\b[rsp]k_(?:live|test)_[A-Za-z0-9]{10,}",  # Stripe
    r"\bwhsec_[A-Za-z0-9+/=]{20,}",
    r"\bsk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]+-|or-v1-)?[A-Za-z0-9_-]{20,}",  # OpenAI, Anthropic, OpenRouter
    r"\b(?:SK|AC)[0-9a-f]{32}\b",  # Twilio
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{30,}",  # SendGrid
    r"\bnpm_[A-Za-z0-9]{36}",
    r"\bpypi-[A-Za-z0-9_-]{50,}",
    r"\bhf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"\bdo[opr]_v1_[a-f0-9]{64}",  # DigitalOcean
    r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",  # Shopify
    r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}",  # Vault
    r"\bdapi[0-9a-f]{32}\b",  # Databricks
    r"\bkey-[0-9a-f]{32}\b",  # Mailgun
    r"\bsq0(?:atp|csp)-[A-Za-z0-9_-]{22,}",  # Square
    r"\bATATT3[A-Za-z0-9_=-]{50,}",  # Atlassian
    r"\blin_api_[A-Za-z0-9]{30,}",  # Linear
    r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}",  # Telegram
    r"\bdiscord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{20,}",
)

_HEX: Final = "[0-9a-fA-F]{1,4}"
_BYTE: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_IPV6: Final = (
    rf"(?:{_HEX}:){{7}}{_HEX}|(?:{_HEX}:){{6}}{_IPV4}"
    rf"|(?:[0-9][0-9a-fA-F]{{3}}|[fF][c-fC-F][0-9a-fA-F]{{2}}|64)(?::{_HEX}){{0,6}}::"
    rf"(?:(?:{_HEX}:){{0,5}}(?:{_IPV4}|{_HEX}))?"
    rf"|::(?:[fF]{{4}}:)?{_IPV4}|::1"
)

RULES: Final = (
    Rule(
        "private-key",
        rf"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:{_HEADER})*[A-Za-z0-9+/=\s\\]*(?:{_KEY_END})?",
        "<PRIVATE-KEY>",
    ),
    Rule("url-login", r"""(://)[^\s/?#@"'<>\[\]]*:[^\s/?#"'<>]*@""", "${1}<CREDENTIALS>@"),
    Rule("cookie", rf"""(?i)((?:set-)?cookie{_SEP}\\?["']?)[^"'\\\r\n»]+""", "${1}<COOKIE>"),
    Rule(
        "session-cookie",
        rf"""(?i)((?:{_COOKIES})=)[^\s;,&"'<>»]+|(session[_-]id{_SEP}\\?["']?|\bsid=)[A-Za-z0-9%+/=._~:-]{{16,}}""",
        "${1}${2}<COOKIE>",
    ),
    Rule(
        "authorization",
        rf"""(?i)(authorization{_SEP})(?:digest|aws4-hmac-sha256|hawk|oauth)\s[^\r\n»]+""",
        "${1}<TOKEN>",
    ),
    Rule(
        "authorization-token",
        rf"""(?i)(authorization{_SEP}\\?["']?)(?:(?:bearer|basic|negotiate|ntlm|token|apikey|key|bot)\s+)?[^\s"',;<>»\\]+""",
        "${1}<TOKEN>",
    ),
    Rule(
        "bearer",
        r"(?i)(\bbearer\s+)(?:[a-z._~+/-]*[0-9][a-z0-9._~+/=-]{5,}|[a-z._~+/-]{5,}[0-9][a-z0-9._~+/=-]*"
        r"|[a-z0-9._~+/=-]{32,})",
        "${1}<TOKEN>",
    ),
    Rule(
        "jwt", r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}|[A-Za-z0-9_-]{22,})", "<TOKEN>"
    ),
    Rule("vendor-key", "|".join(_VENDORS), "<KEY>"),
    Rule("secret", rf"(?i)((?:{_SECRETS}){_SEP}){_VALUE}", "${1}${2}${3}${4}<SECRET>"),
    Rule(
        "secret-option",
        r"""(?i)((?:^|\s)--?(?:password|passwd|passphrase|token|secret|api-key) )[^\s"'»-][^\s"'»]*""",
        "${1}<SECRET>",
    ),
    Rule(
        "secret-field",
        r"""(?i)(\btoken\\?["']?=|["']token\\?["'][ \t]{0,2}:[ \t]{0,2}\\?["']|[?&]sig(?:nature)?=)[^\s"'&;»\\]+"""
        r"""|(\btoken: )[a-z0-9+/=._~-]{16,}|(\bpwd\\?["']?=)[^\s"'&;»/~\\][^\s"'&;»\\]*""",
        "${1}${2}${3}<SECRET>",
    ),
    Rule(
        "email",
        r"[\p{L}\p{N}._%+'-]*[\p{L}\p{N}_+-](?:@|%40)[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}",
        "<EMAIL>",
    ),
    Rule(
        "ipv6",
        rf"""(^|[^\w:]:?|[g-zG-Z]["']?[:=]|\\[nrt])(?:{_IPV6})($|[^\w:.]|[:.](?:[^\w:.]|$))""",
        "${1}<IP>${2}",
    ),
    Rule(
        "ip",
        rf"(^|[^\w.~]|\\[nrt]|%[0-9A-Fa-f]{{2}}){_IPV4}($|[^\w.]|\.(?:[^0-9]|$))",
        "${1}<IP>${2}",
    ),
    Rule(
        "phone",
        rf"""(?i)((?:phone|fax|mobile|msisdn|whatsapp|\btel)(?:[_ -]?(?:number|no|nr))?{_SEP}\\?["']?)"""
        r"\+?[0-9(][0-9 ()./-]{4,20}[0-9]",
        "${1}<PHONE>",
    ),
)
