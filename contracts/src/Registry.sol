// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Annex} from "./Annex.sol";
import "./Types.sol";

/// @title Who offers what, and where
/// @notice A directory of services: everyone writes its own entry. What is said here binds nobody; the stake that is
/// shown beside an entry is that of the account on the ledger (protocol 6.1), which only the ledger can change.
contract Registry {
    struct Entry {
        uint8 roles;
        string url;
        string metadata;
    }

    /// @dev Bits of `roles`.
    uint8 public constant SOLVER = 1;
    uint8 public constant PROVIDER = 2;
    uint8 public constant MEDIATOR = 4;
    uint8 public constant DIRECTORY = 8;

    uint256 public constant URL_MAX = 255;
    uint256 public constant METADATA_MAX = 96;
    uint256 public constant PAGE_MAX = 100;

    Annex private immutable LEDGER;
    mapping(address => Entry) private _entries;
    mapping(address => uint256) private _places; // from 1
    address[] private _all;

    /// @notice An entry is new, or another; roles 0: it is gone.
    event Listed(address indexed account, uint8 roles, string url, string metadata);

    /// @param ledger the Controller whose stakes are shown
    constructor(address ledger) {
        LEDGER = Annex(ledger);
    }

    /// @notice Writes the sender's entry.
    /// @param roles bits: 1 solver, 2 provider, 4 mediator, 8 directory
    /// @param url where it answers
    /// @param metadata content id (CIDv1) of a description; may be empty
    /// @dev Range: no role or an unknown one, or a text above its bound.
    function list(uint8 roles, string calldata url, string calldata metadata) external {
        if (roles == 0 || roles > 15) revert Range(roles);
        if (bytes(url).length > URL_MAX) revert Range(bytes(url).length);
        if (bytes(metadata).length > METADATA_MAX) revert Range(bytes(metadata).length);
        if (_places[msg.sender] == 0) {
            _all.push(msg.sender);
            _places[msg.sender] = _all.length;
        }
        _entries[msg.sender] = Entry(roles, url, metadata);
        emit Listed(msg.sender, roles, url, metadata);
    }

    /// @notice Removes the sender's entry. NotFound: it has none.
    function unlist() external {
        uint256 place = _places[msg.sender];
        if (place == 0) revert NotFound(bytes32(uint256(uint160(msg.sender))));
        address last = _all[_all.length - 1];
        _all[place - 1] = last;
        _places[last] = place;
        _all.pop();
        delete _places[msg.sender];
        delete _entries[msg.sender];
        emit Listed(msg.sender, 0, "", "");
    }

    /// @notice An entry, and the stake of its account on the ledger; roles 0: there is none.
    function entry(address account) external view returns (Entry memory e, uint96 stake) {
        (,,,, stake,,) = LEDGER.account(account);
        return (_entries[account], stake);
    }

    /// @notice How many entries there are.
    function count() external view returns (uint256) {
        return _all.length;
    }

    /// @notice Accounts with an entry, from place `from` on, at most PAGE_MAX of them. Places change when entries go.
    function page(uint256 from, uint256 n) external view returns (address[] memory out) {
        if (n > PAGE_MAX) n = PAGE_MAX;
        if (from >= _all.length) return out;
        if (n > _all.length - from) n = _all.length - from;
        out = new address[](n);
        for (uint256 i = 0; i < n; ++i) {
            out[i] = _all[from + i];
        }
    }
}
