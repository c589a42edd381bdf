"""Runs in an environment of its own, by sslyze's Python: scans what stands on the input, and prints what it found as JSON.

sslyze needs an older cryptography than we do and has another licence, so nothing of ours imports it, and it imports nothing of ours.
"""

import json
import re
import sys
from pathlib import Path

from sslyze import (
    CertificateInfoExtraArgument,
    ScanCommand,
    ScanCommandsExtraArguments,
    Scanner,
    ServerNetworkConfiguration,
    ServerNetworkLocation,
    ServerScanRequest,
)

VERSIONS = {
    0.3: "ssl_3_0_cipher_suites",
    1.0: "tls_1_0_cipher_suites",
    1.1: "tls_1_1_cipher_suites",
    1.2: "tls_1_2_cipher_suites",
    1.3: "tls_1_3_cipher_suites",
}
#: How suites are called that encrypt nothing, have too short a key, or are broken.
WEAK = re.compile("_NULL_|_RC[24]_|DES|EXPORT|_IDEA_|_SEED_|_MD5$")


def main() -> None:
    asked = {f"{one['host']}:{one['port']}": one for one in json.load(sys.stdin)}
    # More at the same time than a small machine can answer would be taken for refusals.
    scanner = Scanner(per_server_concurrent_connections_limit=2, concurrent_server_scans_limit=2)
    scanner.queue_scans([_request(one) for one in asked.values()])
    found = {}
    for result in scanner.get_results():
        where = f"{result.server_location.ip_address}:{result.server_location.port}"
        found[where] = _read(result, asked[where]["ca_file"])
    print(json.dumps(found))


def _request(one):
    certificates = CertificateInfoExtraArgument(custom_ca_file=Path(one["ca_file"]))
    return ServerScanRequest(
        server_location=ServerNetworkLocation(hostname=one["name"], port=one["port"], ip_address=one["host"]),
        network_configuration=ServerNetworkConfiguration(tls_server_name_indication=one["name"], network_timeout=30),
        scan_commands={ScanCommand.CERTIFICATE_INFO, *map(ScanCommand, VERSIONS.values())},
        scan_commands_extra_arguments=ScanCommandsExtraArguments(certificate_info=certificates),
    )


def _read(result, ca_file):
    """What it says itself; a part that failed is left out."""
    if result.scan_result is None:
        return {}
    accepted = {}
    for version, command in VERSIONS.items():
        part = getattr(result.scan_result, command).result
        if part is not None:
            accepted[version] = [suite.cipher_suite for suite in part.accepted_cipher_suites]
    said = {}
    if len(accepted) == len(VERSIONS):
        said["min_protocol"] = min((version for version, suites in accepted.items() if suites), default=None)
        suites = [suite for each in accepted.values() for suite in each]
        said["weak"] = any(suite.is_anonymous or WEAK.search(suite.name) for suite in suites)
    certificates = result.scan_result.certificate_info.result
    if certificates is not None:
        # The first chain is the one that a client of today is shown.
        shown = certificates.certificate_deployments[0]
        mine = [one for one in shown.path_validation_results if str(one.trust_store.path) == ca_file]
        said |= {
            "verified": any(one.was_validation_successful for one in mine),
            "chain_ordered": shown.received_chain_has_valid_order,
            "root_sent": shown.received_chain_contains_anchor_certificate,
            "weak_hashes": shown.verified_chain_has_sha1_signature,
        }
    return {name: value for name, value in said.items() if value is not None}


if __name__ == "__main__":
    main()
