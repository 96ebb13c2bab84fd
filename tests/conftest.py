"""What all tests need of their machine: Ctrl-C can be sent, and nothing fails for being slow."""

import signal
from contextlib import suppress

# A shell that starts the tests in the background lets them ignore Ctrl-C, which some of them send to themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

with suppress(ModuleNotFoundError):  # the tests of a GPU do without
    from hypothesis import HealthCheck, settings

    # A busy machine draws examples slowly and answers late; neither is a fault.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")
