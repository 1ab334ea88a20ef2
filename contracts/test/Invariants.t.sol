// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Documents} from "../src/Documents.sol";
import {ChannelPlay} from "./Channels.t.sol";
import {Checks} from "./Vm.sol";
import "../src/Types.sol";

/// @notice Anybody does anything, in any order: what the ledger refuses is refused, and what it takes is kept in mind.
contract Handler is ChannelPlay {
    /// @dev Beyond so many, deals that have ended are forgotten: every check looks at all of them.
    uint256 private constant KNOWN_MAX = 10;

    Hot[] internal known;
    uint64 internal next = 1;
    uint256 public taken;
    uint256 public refusals;
    uint256 internal now_ = 1_000_000;

    /// @dev A call of this contract to itself, so that what the ledger refuses ends here.
    function attempt(bytes memory call) internal returns (bool ok) {
        vm.warp(now_);
        (ok,) = address(this).call(call);
        vm.stopPrank();
        if (ok) ++taken;
        else ++refusals;
    }

    modifier own() {
        require(msg.sender == address(this));
        _;
    }

    function randomHot(uint256 seed, Channel memory ch) internal view returns (Hot memory h) {
        h = hot(next);
        h.pay = uint96(seed % 900);
        h.fee = uint96(seed >> 16) % 20;
        h.damages = uint96(seed >> 24) % 90;
        h.jobBond = h.fee + h.damages + uint96(seed >> 32) % 100;
        h.resultBond = h.fee + h.damages + uint96(seed >> 40) % 100;
        h.lateJudge = h.jobBond == 0 ? 0 : uint96(seed >> 48) % (h.jobBond + 1);
        h.lateSubmit = h.resultBond == 0 ? 0 : uint96(seed >> 56) % (h.resultBond + 1);
        h.royalty = uint16(seed >> 64) % 501;
        h.solverShare = uint16(seed >> 80) % 500;
        if (seed >> 96 & 1 != 0) h.author = address(0);
        if (seed >> 97 & 1 != 0) h.solver = address(0);
        h.openBy = uint40(now_ + 300);
        if (ch.kind != 0) h.channel = idOf(ch);
        if (ch.kind == CHANNEL_VOUCHERS) (h.royalty, h.solverShare) = (0, 0);
    }

    function one(uint256 seed) internal view returns (Hot memory h) {
        if (known.length == 0) return hot(0);
        return known[seed % known.length];
    }

    // ---- what is tried ------------------------------------------------------------------------------------

    function opens(uint256 seed) external {
        Hot memory h = randomHot(seed, Channel(0, 0));
        if (attempt(abi.encodeCall(this.doOpen, (h, seed >> 128 & 1 != 0)))) keep(h);
    }

    function doOpen(Hot memory h, bool alone) external own {
        if (alone) agree(JC, h, cold());
        else open(h, cold());
    }

    function keep(Hot memory h) internal {
        known.push(h);
        ++next;
        for (uint256 i = 0; i < known.length && known.length > KNOWN_MAX; ++i) {
            if (stateOf(known[i], cold()) <= RESULTS_CHECKED) continue;
            known[i] = known[known.length - 1];
            known.pop();
        }
    }

    function draws(uint256 seed) external {
        Channel memory ch = seed >> 130 & 1 != 0 ? vouchers : acceptances;
        Hot memory h = randomHot(seed, ch);
        if (attempt(abi.encodeCall(this.doDraw, (h, ch, seed >> 128 & 3)))) keep(h);
    }

    function doDraw(Hot memory h, Channel memory ch, uint256 how) external own {
        if (how == 0) openIn(h, ch);
        else if (how == 1) claimAndCheck(h, ch);
        else claim(h, ch);
    }

    function settlesOne(uint256 seed) external {
        Hot memory h = randomHot(seed, acceptances);
        if (attempt(abi.encodeCall(this.doSettle, (h)))) ++next;
    }

    function doSettle(Hot memory h) external own {
        settle(h);
    }

    function redeemsOne(uint96 sum, uint8 number, uint8 made) external {
        attempt(abi.encodeCall(this.doRedeem, (sum % 6000, number, made % 8)));
    }

    function doRedeem(uint96 sum, uint64 number, uint64 made) external own {
        redeem(sum, number, made);
    }

    function steps(uint256 seed, uint8 what) external {
        attempt(abi.encodeCall(this.doStep, (one(seed), what % 10, uint8(seed >> 200))));
    }

    function doStep(Hot memory h, uint8 what, uint8 how) external own {
        if (what == 0) submit(h, cold());
        else if (what == 1 && h.channel == 0) accept(h, cold());
        else if (what == 1) acceptIn(h);
        else if (what == 2 && h.channel == 0) acceptWith(h, cold(), outcome());
        else if (what == 3) decline(h, cold());
        else if (what == 4) cancel(h, cold());
        else if (what == 5) check(h, cold());
        else if (what == 6) rule(h, cold(), how % 7 + 1);
        else if (what == 7) pass(h, cold());
        else if (what == 8) agree(RP, h, cold());
        else expire(h);
    }

    /// @dev The deal's deadline, if it has passed.
    function expire(Hot memory h) internal {
        (uint8 state,,,) = annex.deal(idOf(h, cold()));
        Shown memory w;
        if (state == RESULTS_SUBMITTED) w = shownResult(h, cold(), outcome());
        if (state == RESULTS_CHECKED) w = shownCheck(h, cold());
        ledger.timeout(packHot(h), coldHash(cold()), w);
    }

    function accounts(uint256 seed, uint8 what) external {
        attempt(abi.encodeCall(this.doAccount, (JC + seed % 6, what % 7, uint96(seed >> 8) % 3000)));
    }

    function doAccount(uint256 key, uint8 what, uint96 n) external own {
        if (what == 0) annex.deposit(vm.addr(key), n);
        Registration memory g;
        g.stake = n;
        vm.startPrank(vm.addr(key));
        if (what == 1) annex.requestWithdraw(n);
        if (what == 2) annex.withdraw(n);
        if (what == 3) annex.registerMediator(g);
        if (what == 4) annex.unbondStake(n);
        if (what == 5) annex.cancelNonce(next + uint64(n % 4));
        if (what == 6) annex.topUp(vm.addr(key == JC ? RP : JC), key == JC, acceptances, n);
        vm.stopPrank();
    }

    function channels_(uint8 what) external {
        attempt(abi.encodeCall(this.doChannel, (what % 32)));
    }

    function doChannel(uint8 what) external own {
        if (what == 0) leaves(acceptances, JC);
        else if (what == 1) leaves(vouchers, RP);
        else if (what < 8) close(acceptances);
        else if (what < 16) close(vouchers);
        else if (what == 16) closesNow(acceptances, uint40(now_ + 1), JC, RP);
        else revert();
    }

    function waits(uint16 seconds_) external {
        now_ += seconds_ % 150;
    }

    // ---- what must hold -----------------------------------------------------------------------------------

    /// @notice Σ locks of the deals on the ledger, by whom and whence.
    function locks() public view returns (uint256 jc, uint256 rp, uint256 drawn_) {
        for (uint256 i = 0; i < known.length; ++i) {
            Hot memory h = known[i];
            (uint8 state, bool rpAgreed,,) = annex.deal(idOf(h, cold()));
            if (state > RESULTS_CHECKED) continue;
            uint256 job = uint256(h.pay) + h.jobBond;
            uint256 provider = rpAgreed ? h.resultBond : 0;
            if (h.channel != 0) drawn_ += job + provider;
            else (jc, rp) = (jc + job, rp + provider);
        }
    }

    /// @notice 5.15 (a), (b), (c): nothing is lost, and no lock is anybody else's.
    function conserved() external view {
        uint256 sum = sinkOf();
        for (uint256 k = JC; k <= MALLORY; ++k) {
            (uint96 free, uint96 locked, uint96 leaving,, uint96 stake,,) = annex.account(vm.addr(k));
            sum += uint256(free) + locked + leaving + stake;
            if (k > RP) equal(locked, 0, "who has no deal has no lock");
        }
        (uint256 jc, uint256 rp, uint256 drawn_) = locks();
        equal(lockedOf(JC), jc, "locks of the job creator");
        equal(lockedOf(RP), rp, "locks of the provider");
        (uint256 a, uint256 b) = sumsOf(acceptances);
        (uint256 c, uint256 d) = sumsOf(vouchers);
        (uint96 supply,) = annex.totals();
        equal(sum + a + b + c + d + drawn_, supply, "deposits less withdrawals");
        isTrue(token.balanceOf(address(ledger)) >= supply, "tokens held");
    }

    /// @notice 5.15 (d): from anywhere, the clocks alone end every deal.
    function unstuck() external {
        for (uint256 i = 0; i < known.length; ++i) {
            Hot memory h = known[i];
            (uint8 state,, uint40 deadline,) = annex.deal(idOf(h, cold()));
            if (state > RESULTS_CHECKED) continue;
            if (deadline > now_) now_ = deadline;
            vm.warp(now_);
            expire(h);
            (state,,,) = annex.deal(idOf(h, cold()));
            isTrue(state > RESULTS_CHECKED, "final");
        }
        (uint256 jc, uint256 rp, uint256 drawn_) = locks();
        equal(jc + rp + drawn_, 0, "nothing is locked");
        this.conserved();
    }
}

/// @notice Protocol 5.15, after every call of the handler.
contract InvariantTest is Checks {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler private handler;

    function setUp() public {
        handler = new Handler();
        handler.setUp();
    }

    function targetSelectors() external view returns (FuzzSelector[] memory out) {
        out = new FuzzSelector[](1);
        bytes4[] memory s = new bytes4[](9);
        (s[0], s[1], s[2]) = (handler.opens.selector, handler.draws.selector, handler.settlesOne.selector);
        (s[3], s[4], s[5]) = (handler.redeemsOne.selector, handler.steps.selector, handler.steps.selector);
        (s[6], s[7], s[8]) = (handler.accounts.selector, handler.channels_.selector, handler.waits.selector);
        out[0] = FuzzSelector(address(handler), s);
    }

    function targetContracts() external view returns (address[] memory out) {
        out = new address[](1);
        out[0] = address(handler);
    }

    function invariant_conserved() external view {
        handler.conserved();
    }

    function afterInvariant() external {
        handler.unstuck();
    }
}
