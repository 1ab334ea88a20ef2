// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "../src/Documents.sol";
import {Play} from "./Play.sol";
import "../src/Types.sol";

/// @notice What each rung of the ladder costs (protocol 8.3), in the steady state: the slots of all parties, and a word
/// of their bitmaps, are there from jobs before. Meaningful with `isolate`, where every call is a transaction with its
/// own intrinsic gas; `make gas` shows the table, beside goals and the figures of other systems.
contract GasTest is Play {
    address private constant CONSOLE = 0x000000000000000000636F6e736F6c652e6c6f67;

    uint96 internal constant UNIT = 1 ether;
    Channel internal acceptances = Channel(1, CHANNEL_ACCEPTANCES);
    Channel internal vouchers = Channel(1, CHANNEL_VOUCHERS);

    /// @notice Nobody, which is what a deployment has unless it names one; with one, opening costs 2 100 more.
    function pauser() internal pure override returns (address) {
        return address(0);
    }

    function setUp() public override {
        super.setUp();
        for (uint256 k = JC; k <= MALLORY; ++k) {
            annex.deposit(vm.addr(k), 100_000 * UNIT);
        }
        openChannelOf(JC, acceptances);
        openChannelOf(JC, vouchers);
        // Jobs before.
        settleOne(JC, 1, 0);
        redeemOne(1, UNIT);
        Hot memory h = priced(1);
        bytes32 c = coldHash(cold());
        vm.prank(vm.addr(JC));
        ledger.agree(pack(h, cold()));
        vm.prank(vm.addr(RP));
        ledger.join(packHot(h), c);
        submit(h, cold());
        accept(h, cold());
    }

    function spent(string memory what) internal view returns (uint256 gas) {
        gas = vm.lastCallGas().gasTotalUsed;
        told(what, gas);
    }

    function told(string memory what, uint256 gas) internal view {
        (bool ok,) = CONSOLE.staticcall(abi.encodeWithSignature("log(string,uint256)", what, gas));
        isTrue(ok, "console");
    }

    /// @notice Amounts of a token with 18 decimals, shares zero.
    function priced(uint64 nonce) internal view returns (Hot memory h) {
        h = hot(nonce);
        h.pay = 10 * UNIT;
        h.jobBond = 12 * UNIT;
        h.resultBond = 12 * UNIT;
        h.lateJudge = UNIT;
        h.lateSubmit = UNIT;
        h.damages = 10 * UNIT;
        h.fee = 2 * UNIT;
        h.base = UNIT;
        h.perInstruction = 1e15;
        h.perByte = 1e12;
        h.royalty = 0;
        h.solverShare = 0;
        h.solver = address(0);
        h.author = address(0);
    }

    function drawn(uint64 number, Channel memory ch) internal view returns (Hot memory h) {
        h = priced(number);
        h.channel = Documents.channelId(h.jobCreator, h.provider, ch.serial, ch.kind);
    }

    function openChannelOf(uint256 jc, Channel memory ch) internal {
        bytes32 id = Documents.channelId(vm.addr(jc), vm.addr(RP), ch.serial, ch.kind);
        bytes32 doc = Documents.channel(id, 5000 * UNIT, 5000 * UNIT, uint40(block.timestamp + 1));
        annex.openChannel(
            vm.addr(jc),
            vm.addr(RP),
            ch,
            5000 * UNIT,
            5000 * UNIT,
            uint40(block.timestamp + 1),
            signature(jc, doc),
            signature(RP, doc)
        );
    }

    function termsOf(uint256 jc, uint64 number, uint16 share) internal pure returns (Terms memory a) {
        a.deal = keccak256(abi.encode("deal", jc, number));
        a.result = keccak256(abi.encode("result", jc, number));
        a.channel = Documents.channelId(vm.addr(jc), vm.addr(RP), 1, CHANNEL_ACCEPTANCES);
        a.number = number;
        a.cost = 1.1e18;
        if (share != 0) {
            (a.royalty, a.author, a.solverShare, a.solver) = (share, vm.addr(AUTHOR), share, vm.addr(SOLVER));
        }
    }

    function settleOne(uint256 jc, uint64 number, uint16 share) internal {
        Terms memory a = termsOf(jc, number, share);
        bytes memory sig = signature(jc, Documents.hash(a));
        vm.prank(vm.addr(RP));
        ledger.settle(abi.encodePacked(vm.addr(jc), uint64(1), packTerms(a), sig));
    }

    function redeemOne(uint64 number, uint96 sum) internal {
        bytes32 id = Documents.channelId(vm.addr(JC), vm.addr(RP), 1, CHANNEL_VOUCHERS);
        bytes memory sig = signature(JC, Documents.voucher(id, sum, number, 0));
        vm.prank(vm.addr(RP));
        ledger.redeem(abi.encodePacked(vm.addr(JC), uint64(1), sum, number, uint64(0), sig));
    }

    function test_settle() public {
        settleOne(JC, 2, 0);
        isTrue(spent("settle in a channel, by RP") <= 50_000, "goal 50 000");
    }

    function test_settle_relay() public {
        Terms memory a = termsOf(JC, 2, 0);
        bytes32 doc = Documents.hash(a);
        bytes memory sig = signature(JC, doc);
        uint40 expiry = uint40(block.timestamp + 60);
        bytes memory mSig = signature(RP, Documents.send(vm.addr(RP), SEND_SETTLE, doc, 0, expiry));
        vm.prank(vm.addr(MALLORY));
        ledger.settleFor(
            abi.encodePacked(vm.addr(RP), uint64(0), expiry, mSig, vm.addr(JC), uint64(1), packTerms(a), sig)
        );
        isTrue(spent("settle in a channel, carried by a relay") <= 55_000, "goal 55 000");
    }

    function list(uint256 payers) internal {
        bytes memory all;
        uint256 each = 100 / payers;
        for (uint256 i = 0; i < payers; ++i) {
            uint256 jc = i == 0 ? JC : 0x9000 + i;
            if (i != 0) {
                annex.deposit(vm.addr(jc), 10_000 * UNIT);
                openChannelOf(jc, acceptances);
                settleOne(jc, 1, 0);
            }
            bytes memory group = abi.encodePacked(vm.addr(jc), uint64(1), uint8(each));
            for (uint256 k = 0; k < each; ++k) {
                Terms memory a = termsOf(jc, uint64(2 + k), 0);
                group = bytes.concat(group, packTerms(a), signature(jc, Documents.hash(a)));
            }
            all = bytes.concat(all, group);
        }
        vm.prank(vm.addr(RP));
        ledger.settleList(all);
    }

    function test_list_1() public {
        annex.deposit(vm.addr(RP), 1_000_000 * UNIT);
        list(1);
        isTrue(spent("list of 100, 1 payer") <= 820_000, "goal 8 200 per job");
    }

    function test_list_10() public {
        annex.deposit(vm.addr(RP), 1_000_000 * UNIT);
        list(10);
        isTrue(spent("list of 100, 10 payers") <= 900_000, "goal 9 000 per job");
    }

    function test_list_100() public {
        annex.deposit(vm.addr(RP), 1_000_000 * UNIT);
        list(100);
        isTrue(spent("list of 100, 100 payers") <= 2_020_000, "20 200 per job; the goal is 18 000");
    }

    function test_voucher() public {
        redeemOne(100, 100 * UNIT);
        isTrue(spent("voucher redemption, any number of jobs") <= 47_000, "goal 47 000");
    }

    function test_open_close() public {
        Hot memory h = priced(2);
        bytes memory sig = signature(JC, idOf(h, cold()));
        vm.prank(vm.addr(RP));
        ledger.open(pack(h, cold()), sig, "");
        uint256 gas = spent("open, by RP");
        Shown memory w = shownResult(h, cold(), outcome());
        sig = signature(JC, Documents.acceptance(idOf(h, cold()), w.result));
        bytes32 c = coldHash(cold());
        vm.prank(vm.addr(RP));
        ledger.acceptWith(packHot(h), c, outcome(), "", sig);
        gas += spent("close, by RP");
        told("open + close in escrow", gas);
        isTrue(gas <= 140_000, "140 000; the goal is 137 000");
        
    }

    /// @notice The same with ROY and SOL: two more accounts are credited.
    function test_shares() public {
        settleOne(JC, 2, 50);
        spent("settle with royalty and solver share");
        Hot memory h = priced(2);
        (h.royalty, h.solverShare, h.author, h.solver) = (50, 30, vm.addr(AUTHOR), vm.addr(SOLVER));
        bytes memory sig = signature(JC, idOf(h, cold()));
        vm.prank(vm.addr(RP));
        ledger.open(pack(h, cold()), sig, "");
        uint256 gas = spent("open with shares, by RP");
        Shown memory w = shownResult(h, cold(), outcome());
        sig = signature(JC, Documents.acceptance(idOf(h, cold()), w.result));
        bytes32 c = coldHash(cold());
        vm.prank(vm.addr(RP));
        ledger.acceptWith(packHot(h), c, outcome(), "", sig);
        gas += spent("close with shares, by RP");
        told("open + close with royalty and solver share", gas);
    }

    function test_open_and_accept() public {
        Hot memory h = priced(2);
        Shown memory w = shownResult(h, cold(), outcome());
        bytes memory sig = signature(JC, idOf(h, cold()));
        bytes memory acc = signature(JC, Documents.acceptance(idOf(h, cold()), w.result));
        vm.prank(vm.addr(RP));
        ledger.openAndAccept(pack(h, cold()), sig, outcome(), "", acc);
        spent("open and accept in one transaction, by RP");
    }

    function test_dispute_2() public {
        Hot memory h = drawn(2, acceptances);
        Shown memory w = shownCheck(h, cold());
        bytes memory sig = signature(RP, w.result);
        vm.prank(vm.addr(JC));
        ledger.claimAndCheck(pack(h, cold()), acceptances, outcome(), sig, complaint(), "");
        uint256 gas = spent("dispute: claim and check, by JC");
        bytes32 c = coldHash(cold());
        vm.prank(vm.addr(MEDIATOR));
        ledger.rule(packHot(h), c, w, ruling(RULING_RESULT_CORRECT), "");
        gas += spent("dispute: ruling, by the mediator");
        told("dispute, two transactions", gas);
        isTrue(gas <= 144_000, "144 000; the goal is 139 000");
    }

    function test_dispute_1() public {
        Hot memory h = drawn(2, acceptances);
        Shown memory w = shownCheck(h, cold());
        Ruling memory v = ruling(RULING_RESULT_CORRECT);
        bytes memory sig = signature(RP, w.result);
        bytes memory vSig = signature(MEDIATOR, verdictOf(idOf(h, cold()), v));
        vm.prank(vm.addr(JC));
        ledger.claimCheckAndRule(pack(h, cold()), acceptances, outcome(), sig, complaint(), "", v, vSig);
        isTrue(spent("dispute, one transaction") <= 87_000, "goal 87 000");
    }

    function test_four_steps() public {
        Hot memory h = priced(2);
        bytes32 c = coldHash(cold());
        vm.prank(vm.addr(JC));
        ledger.agree(pack(h, cold()));
        uint256 gas = spent("four steps: agree, by JC");
        vm.prank(vm.addr(RP));
        ledger.join(packHot(h), c);
        gas += spent("four steps: agree, by RP");
        vm.prank(vm.addr(RP));
        ledger.submit(packHot(h), c, outcome(), "");
        gas += spent("four steps: submit");
        Shown memory w = shownResult(h, cold(), outcome());
        vm.prank(vm.addr(JC));
        ledger.accept(packHot(h), c, w.result, w.cost, "");
        gas += spent("four steps: accept");
        told("four steps, each its own transaction", gas);
        isTrue(gas <= 210_000, "goal 210 000");
    }
}
