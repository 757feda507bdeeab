# SPDX-License-Identifier: Apache-2.0
import sys

from talkrt.cli import main

sys.exit(main())
