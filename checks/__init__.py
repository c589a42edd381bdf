"""What can machines measure? Importing this package registers every plugin; CONTRIBUTING.md says how to add one."""

from checks import alerts as _alerts
from checks import anomalies as _anomalies
from checks import apikey as _apikey
from checks import assets as _assets
from checks import backup as _backup
from checks import cdn as _cdn
from checks import changes as _changes
from checks import ci as _ci
from checks import contacts as _contacts
from checks import cors as _cors
from checks import dns as _dns
from checks import env as _env
from checks import exec as _exec
from checks import files as _files
from checks import freeze as _freeze
from checks import headers as _headers
from checks import http as _http
from checks import junit as _junit
from checks import link as _link
from checks import loadtest as _loadtest
from checks import logs as _logs
from checks import migrations as _migrations
from checks import openapi as _openapi
from checks import ping as _ping
from checks import pool as _pool
from checks import ports as _ports
from checks import promql as _promql
from checks import promql_ratio as _promql_ratio
from checks import queries as _queries
from checks import ratelimit as _ratelimit
from checks import report as _report
from checks import sarif as _sarif
from checks import secrets as _secrets
from checks import signoff as _signoff
from checks import sql as _sql
from checks import tls as _tls

#: Every plugin's module, in one place; a file that is not listed here is not a check.
MODULES = (
    _alerts,
    _anomalies,
    _apikey,
    _assets,
    _backup,
    _cdn,
    _changes,
    _ci,
    _contacts,
    _cors,
    _dns,
    _env,
    _exec,
    _files,
    _freeze,
    _headers,
    _http,
    _junit,
    _link,
    _loadtest,
    _logs,
    _migrations,
    _openapi,
    _ping,
    _pool,
    _ports,
    _promql,
    _promql_ratio,
    _queries,
    _ratelimit,
    _report,
    _sarif,
    _secrets,
    _signoff,
    _sql,
    _tls,
)
